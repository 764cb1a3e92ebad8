"""One Redis, and clients of two installations that find it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.own_redis import ForeignRedis
from mallbots_platform.partitions import DEFAULT_PREFIX, StreamName
from mallbots_platform.streams import APPEND, RedisClient, open_redis

STREAM = StreamName("teller", "events", 0)
COPY = f"{DEFAULT_PREFIX}.installation"
NAMES = ("A", "B")


class Owner:
    """As `Installation`, without a process."""

    copy = COPY

    def __init__(self, id: str) -> None:
        self.id = id
        self.foreign = ""

    def found(self, whose: str) -> None:
        self.foreign = "" if whose == self.id else whose
        if self.foreign:
            raise ForeignRedis(f"it belongs to {whose}")


class Opened:
    """A Redis that is empty at first, and what connects to it: `a` and `b` of two installations, and `anybody`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.anybody = open_redis(url)
        self.owners = {name: Owner(name) for name in NAMES}
        self.clients = {name: open_redis(url, owner=owner, blocks=True) for name, owner in self.owners.items()}

    @property
    def a(self) -> RedisClient:
        return self.clients["A"]

    @property
    def b(self) -> RedisClient:
        return self.clients["B"]

    async def drop_connections(self) -> None:
        for client in self.clients.values():
            await client.connection_pool.disconnect()

    async def dump(self) -> dict[bytes, bytes]:
        return {key: await self.anybody.dump(key) for key in await self.anybody.keys()}


@asynccontextmanager
async def opened(server: EmbeddedRedis) -> AsyncIterator[Opened]:
    it = Opened(server.url)
    await it.anybody.flushall()
    try:
        yield it
    finally:
        for client in (*it.clients.values(), it.anybody):
            await client.aclose()


async def append(client: RedisClient, believed: int, *texts: str) -> Any:
    pipeline = client.pipeline(transaction=False)
    pipeline.evalsha(await client.script_load(APPEND), 1, client.key_of(STREAM), believed, believed + 1, *texts)
    [answer] = await pipeline.execute(raise_on_error=False)
    if isinstance(answer, Exception):
        raise answer
    return answer
