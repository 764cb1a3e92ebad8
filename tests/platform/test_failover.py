"""Redis fails over to a replica while contexts talk: the address leads to another server, old connections do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mallbots.redis_proxy import RedisProxy
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.streams import open_redis
from tests.support.redis_servers import BINARIES, redis_server
from tests.support.world import Running, World, eventually, redis_client

IN_TIME = 8.0


@asynccontextmanager
async def proxied(server: EmbeddedRedis) -> AsyncIterator[RedisProxy]:
    proxy = RedisProxy(server.url)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def fail_over(proxy: RedisProxy, primary: EmbeddedRedis, replica: EmbeddedRedis) -> None:
    """The replica, which has everything, is promoted; who was the primary follows it, and stays up."""
    async with redis_client(primary) as old, redis_client(replica) as new:
        await eventually(lambda: has_everything(old))
        await new.execute_command("REPLICAOF", "NO", "ONE")
        proxy.lead_to(replica.url)
        await old.execute_command("REPLICAOF", "127.0.0.1", replica.port)


async def has_everything(primary: object) -> bool:
    told = await primary.info("replication")  # type: ignore[attr-defined] # a client, which has no types
    return bool(told["connected_slaves"] and told["slave0"]["offset"] == told["master_repl_offset"])


async def follow(replica: EmbeddedRedis, primary: EmbeddedRedis) -> None:
    client = open_redis(replica.url)
    await client.execute_command("REPLICAOF", "127.0.0.1", primary.port)
    await client.aclose()


@pytest.mark.parametrize("talks", [True, False], ids=["while it talks", "in silence"])
async def test_a_replica_is_left_for_the_server_that_was_promoted(tmp_path: Path, talks: bool) -> None:
    binary = BINARIES[0]
    with redis_server(tmp_path / "one", binary) as primary, redis_server(tmp_path / "two", binary) as replica:
        await follow(replica, primary)
        async with proxied(primary) as proxy, World(tmp_path, proxy) as world:  # type: ignore[arg-type] # its URL is all
            teller, listener = await world.teller(), await world.listener()
            await teller.say("before")
            assert await listener.hears("before")

            await fail_over(proxy, primary, replica)
            await say(teller, "behind" if talks else "")

            expected = ["before", "behind", "again"] if talks else ["before", "again"]
            await teller.say("again")
            assert await listener.hears(*expected, seconds=IN_TIME)
            assert await eventually(lambda: not teller.process.troubles and not listener.process.troubles)


async def say(teller: Running, text: str) -> None:
    if text:
        await teller.say(text)
