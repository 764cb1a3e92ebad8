"""What is looked at before a process begins, for it would lose data or break promises later."""

from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import check_redis
from mallbots_platform.errors import CannotStart
from mallbots_platform.redis_answers import is_forbidden, told
from mallbots_platform.streams import RedisClient
from telemetry.bundle import Telemetry


def check_facts(database: Database, facts: Mapping[str, str]) -> None:
    """Some settings are for good: changing them would send the messages of one key different ways."""
    known: dict[str, str] = dict(database.run("SELECT name, value FROM platform_facts"))
    for name, value in facts.items():
        if known.get(name, value) != value:
            raise CannotStart(
                f"this database was made with {name} {known[name]}, the settings say {value}:"
                f" set it back to {known[name]}, or start with an empty database"
            )
        database.run("INSERT INTO platform_facts (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))


async def check_server(redis: RedisClient, telemetry: Telemetry) -> None:
    """A Redis that is away is waited for; one that forgets by itself, cannot what is needed, or does not let us in, is
    refused."""
    try:
        config: Any = await redis.config_get("maxmemory*")
        problems = check_redis(await redis.info("server"), config)
    except (RedisError, OSError) as error:
        if is_forbidden(error):
            raise CannotStart(f"Redis refuses this process: {told(error)}") from error
        telemetry.log.warning("redis not reached at start", reason=told(error))
        return
    if problems:
        raise CannotStart("; ".join(problems))
