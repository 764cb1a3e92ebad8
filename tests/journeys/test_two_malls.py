"""Two malls with one Redis between them, as a person starts them: the second one says so, and disturbs nobody."""

import sqlite3
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from mallbots.actors.mall import Mall
from mallbots.actors.staff import Staff
from mallbots.directories import CONTEXTS
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.streams import open_redis
from tests.support.mall import PLAN, RunningMall, mallbots, running_mall
from tests.support.world import eventually

NOWHERE = "127.0.0.1:1"
SOME = ("--only", "stores,baskets")


async def open_stores(mall: RunningMall) -> None:
    """Baskets takes note of what stores says of it."""
    clients = Mall(dict.fromkeys(CONTEXTS, NOWHERE) | mall.addresses)
    try:
        await Staff(clients).open_stores(PLAN)
    finally:
        await clients.close()


def said_and_heard(mall: RunningMall) -> tuple[int, int]:
    """By stores, and by baskets."""
    return (
        rows(mall.data / "stores.db", "SELECT COUNT(*) FROM outbox"),
        rows(mall.data / "baskets.db", "SELECT COUNT(*) FROM deliveries"),
    )


def rows(path: Path, statement: str) -> int:
    with sqlite3.connect(path) as connection:
        [(count,)] = connection.execute(statement)
    connection.close()
    return int(count)


def heard_all(mall: RunningMall) -> bool:
    said, heard = said_and_heard(mall)
    return said == heard > 0


def health(mall: RunningMall, context: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{mall.metrics[context]}/healthz", timeout=5) as answer:
        told: dict[str, Any] = msgspec.json.decode(answer.read())
    return told


async def content(redis: EmbeddedRedis) -> dict[bytes, bytes]:
    """All that is kept in it, but leases, which are held anew all the time."""
    client = open_redis(redis.url)
    try:
        return {key: await client.dump(key) for key in await client.keys() if b".lease." not in key}
    finally:
        await client.aclose()


async def test_a_second_mall_leaves_the_first_ones_redis_alone(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    environ = {"MALLBOTS_REDIS_URL": redis_server.url}
    client = open_redis(redis_server.url)
    await client.flushall()
    await client.aclose()

    with running_mall(tmp_path / "a", *SOME, **environ) as first:
        await open_stores(first)
        await eventually(lambda: heard_all(first), 20)
        with running_mall(tmp_path / "b", *SOME, **environ) as second:
            before = await content(redis_server)
            await open_stores(second)
            both = ("baskets", "stores")
            await eventually(lambda: all(health(second, each)["status"] == "degraded" for each in both))

            ours, theirs = ((mall.data / "installation").read_text().strip() for mall in (second, first))
            told = f"this Redis belongs to the installation {theirs}, and this is {ours}"
            assert told in " ".join(second.said.split())
            assert told in health(second, "stores")["troubles"][0]
            doctor = mallbots("doctor", "--data", str(second.data), environ=environ)
            assert doctor.code == 1 and told in " ".join(doctor.stdout.split())
            assert said_and_heard(second)[1] == 0
            assert await content(redis_server) == before
            assert health(first, "stores")["status"] == health(first, "baskets")["status"] == "ok"

        with running_mall(tmp_path / "b", *SOME, **environ, MALLBOTS_KEY_PREFIX="other") as second:
            await open_stores(second)
            await open_stores(first)
            for mall in (first, second):
                await eventually(lambda mall=mall: heard_all(mall), 20)  # type: ignore[misc] # a default binds it
            assert said_and_heard(first) == said_and_heard(second)
            assert health(second, "baskets")["status"] == "ok"
