"""Redis ends, forgets, answers late or not at all, or hands over to a replica."""

import asyncio
import shutil
import signal
import time
from collections.abc import Iterator

from mallbots.redis_proxy import RedisProxy
from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.streams import RedisClient, open_redis

SYNCED_WITHIN_SECONDS = 15.0
WITH_THE_REPLICA_SECONDS = 2.0


def troubles_of_redis(running: Supervisor, proxy: RedisProxy) -> Iterator[Trouble]:
    redis = _Server(running, proxy)
    yield Trouble("redis killed", "redis", redis.killed)
    yield Trouble("redis emptied", "redis", redis.emptied)
    yield Trouble("redis from an older dump", "redis", redis.from_older_dump)
    yield Trouble("redis flushed", "redis", redis.flushed)
    yield Trouble("failed over", "redis", redis.failed_over)
    yield Trouble("connections cut", "redis", lambda: _cut(proxy))
    yield Trouble("replies dropped", "redis", lambda: _drop_replies(proxy))
    yield Trouble("latency", "redis", lambda: _slow_down(proxy))


async def _cut(proxy: RedisProxy) -> None:
    for _ in range(5):
        proxy.cut()
        await asyncio.sleep(0.2)


async def _drop_replies(proxy: RedisProxy) -> None:
    for _ in range(4):
        proxy.drops_replies = True
        await asyncio.sleep(0.15)
        proxy.drops_replies = False
        await asyncio.sleep(0.6)


async def _slow_down(proxy: RedisProxy) -> None:
    proxy.latency_seconds = 0.08
    try:
        await asyncio.sleep(2.0)
    finally:
        proxy.latency_seconds = 0.0


class _Server:
    def __init__(self, running: Supervisor, proxy: RedisProxy) -> None:
        self._running = running
        self._proxy = proxy

    async def killed(self) -> None:
        async with self._running.redis.without(signal.SIGKILL):
            await asyncio.sleep(0.5)

    async def emptied(self) -> None:
        async with self._running.redis.without(signal.SIGKILL) as directory:
            shutil.rmtree(directory)

    async def from_older_dump(self) -> None:
        """Back to what it was a second ago."""
        dump = self._running.data / "older-redis"
        async with self._running.redis.without(signal.SIGTERM) as directory:
            shutil.copytree(directory, dump)
        await asyncio.sleep(1.0)
        async with self._running.redis.without(signal.SIGKILL) as directory:
            shutil.rmtree(directory)
            dump.rename(directory)

    async def flushed(self) -> None:
        client = open_redis(self._running.redis.own_url)
        try:
            for _ in range(3):
                await client.flushall()
                await asyncio.sleep(0.2)
        finally:
            await client.aclose()

    async def failed_over(self) -> None:
        """To a replica, and back. The old one answers on, and refuses to write; connections to it are not cut."""
        directory = self._running.data / "redis-replica"
        replica = EmbeddedRedis(directory)
        await asyncio.to_thread(replica.start)
        first, second = open_redis(self._running.redis.own_url), open_redis(replica.url)
        try:
            await self._hand_over(first, second, self._running.redis.own_url, replica.url)
            await asyncio.sleep(WITH_THE_REPLICA_SECONDS)
            await self._hand_over(second, first, replica.url, self._running.redis.own_url)
        finally:
            self._proxy.lead_to(self._running.redis.own_url)
            await first.aclose()
            await second.aclose()
            await asyncio.to_thread(replica.stop)
            shutil.rmtree(directory)

    async def _hand_over(self, master: RedisClient, replica: RedisClient, master_url: str, replica_url: str) -> None:
        """As a sentinel does: the replica is promoted, connections lead to it, the old one follows it."""
        await replica.execute_command("REPLICAOF", *_host_and_port(master_url))
        await _until_synced(replica)
        await replica.execute_command("REPLICAOF", "NO", "ONE")
        self._proxy.lead_to(replica_url)
        await master.execute_command("REPLICAOF", *_host_and_port(replica_url))


async def _until_synced(replica: RedisClient) -> None:
    deadline = time.monotonic() + SYNCED_WITHIN_SECONDS
    while (await replica.info("replication")).get("master_link_status") != "up":
        if time.monotonic() > deadline:
            raise Failed("redis failed over: the replica did not get in step")
        await asyncio.sleep(0.05)


def _host_and_port(url: str) -> tuple[str, str]:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    return host, port
