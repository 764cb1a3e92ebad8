"""Whatever happens to a Redis, an installation changes and believes only what is its own."""

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import RedisError

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.partitions import StreamName
from mallbots_platform.streams import RedisClient, open_redis
from tests.support.redis_of_two import COPY, NAMES, STREAM, Opened, append, opened

COMMANDS = ("append", "append", "create group", "read", "wait", "acknowledge", "lease")
COMMAND = st.tuples(st.sampled_from(COMMANDS), st.sampled_from(NAMES))
ROUND = st.tuples(st.sampled_from(["flush", "swap", "drop connections"]), *[COMMAND] * 6)


class Life:
    """Two installations over two databases of one Redis, which may change places. Each reads what it finds."""

    def __init__(self, redis: Opened) -> None:
        self.redis = redis
        self.read: dict[str, list[bytes]] = {name: [] for name in NAMES}
        self.waiting: list[asyncio.Task[None]] = []
        self._looking = [open_redis(f"{redis.url}/{number}") for number in (0, 1)]

    async def end(self) -> None:
        await asyncio.gather(*self.waiting)
        await self.check()
        for client in self._looking:
            await client.aclose()

    async def do(self, what: str, who: str) -> None:
        with suppress(RedisError):
            match what:
                case "flush":
                    await self.redis.anybody.flushdb()
                case "drop connections":
                    await self.redis.drop_connections()
                case "swap":
                    await self.redis.anybody.swapdb(0, 1)
                case "wait":
                    self.waiting.append(asyncio.create_task(self._read(who, block=30)))
                    await asyncio.sleep(0)
                case "read":
                    await self._read(who)
                case _:
                    await self._change(what, self.redis.clients[who], who)

    async def _change(self, what: str, client: RedisClient, who: str) -> None:
        key = client.key_of(STREAM)
        match what:
            case "append":
                top = await client.xrevrange(key, "+", "-", count=1)
                await append(client, int(top[0][0].partition(b"-")[0]) if top else 0, who)
            case "create group":
                await client.xgroup_create(key, "g", "0", mkstream=True)
            case "acknowledge":
                await client.xack(key, "g", "1-0", "2-0")
            case "lease":
                await client.set(client.key("lease"), who, px=60_000)

    async def _read(self, who: str, block: int | None = None) -> None:
        client = self.redis.clients[who]
        with suppress(RedisError):
            answer = await client.xreadgroup("g", "g", {client.key_of(STREAM): ">"}, block=block)
            self.read[who] += [fields[b"e"] for _, entries in answer or [] for _, fields in entries]

    async def check(self) -> None:
        """All that is in a database was written by the one that it belongs to; who reads has read its own."""
        for client in self._looking:
            whose, entries = await client.get(COPY), await client.xrange(STREAM.key)
            assert {fields[b"e"] for _, fields in entries} <= {whose}
            assert await client.get(client.key("lease")) in (None, whose)
        for who, texts in self.read.items():
            assert set(texts) <= {who.encode()}, (who, texts)


def test_whatever_becomes_of_redis_nobody_touches_what_is_anothers(redis_server: EmbeddedRedis) -> None:
    async def live_through(rounds: list[Any]) -> None:
        async with opened(redis_server) as redis:
            life = Life(redis)
            for fate, *commands in rounds:
                for what, who in ((fate, ""), *commands):
                    await life.do(what, who)
                    await life.check()
            await life.end()

    @settings(max_examples=60)
    @given(st.lists(ROUND, min_size=2, max_size=4))
    def search(rounds: list[Any]) -> None:
        asyncio.run(live_through(rounds))

    search()


def test_keys_of_two_prefixes_never_meet() -> None:
    names, words = (
        st.from_regex(r"[A-Za-z0-9_.:-]{1,12}", fullmatch=True),
        st.from_regex(r"[a-z_]{1,6}", fullmatch=True),
    )
    channels = st.sampled_from(["events", "commands.depot", "jobs.letters"])
    place = st.tuples(names, st.builds(StreamName, words, channels, st.integers(0, 1023)))

    @given(place, place)
    def search(one: tuple[str, StreamName], other: tuple[str, StreamName]) -> None:
        keys = [stream.key_under(prefix) for prefix, stream in (one, other)]
        assert (keys[0] == keys[1]) == (one == other)
        assert keys[0] != f"{other[0]}.installation"

    search()
