"""Two installations with one Redis between them."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.errors import CannotStart
from tests.support.world import Running, World, redis_client

COPY = "mall.installation"


async def copy_in(redis: EmbeddedRedis) -> str:
    async with redis_client(redis) as client:
        return (await client.get(COPY) or b"").decode()


async def names_installation(redis: EmbeddedRedis, id: str) -> None:
    async with redis_client(redis) as client:
        await client.set(COPY, id)


async def empties(redis: EmbeddedRedis) -> None:
    async with redis_client(redis) as client:
        await client.flushall()


class Two:
    """Installations A and B, each a teller and a listener who hears what its teller says, in directories of their own;
    for their Redis they share databases 0 and 1 of one server."""

    def __init__(self, directory: Path, redis: EmbeddedRedis, **settings: Any) -> None:
        self.redis = redis
        self.worlds = {
            name: World(directory / name, redis, installation=name, lease_seconds=0.5, **settings) for name in "AB"
        }
        self.running: dict[str, list[Running]] = {"A": [], "B": []}
        self.said: dict[str, list[str]] = {"A": [], "B": []}
        self.heard: dict[str, list[str]] = {"A": [], "B": []}

    async def __aenter__(self) -> Self:
        await empties(self.redis)
        for world in self.worlds.values():
            world.directory.mkdir()
        return self

    async def __aexit__(self, *exception: object) -> None:
        for name in self.running:
            await self.stop(name)

    async def start(self, name: str, **settings: Any) -> None:
        """Not where a database says that it belongs to the other one."""
        if not self.running[name]:
            world = self.worlds[name]
            with suppress(CannotStart):
                for start in (world.teller, world.listener):
                    self.running[name].append(await start(**settings))

    async def stop(self, name: str) -> None:
        for running in self.running[name]:
            await running.stop()
        self.running[name] = []

    async def say(self, name: str) -> str:
        """Whatever becomes of it: a call is served."""
        text = f"{name}{len(self.said[name])}"
        if self.running[name]:
            await self.running[name][0].say(text)
            self.said[name].append(text)
        return text

    async def hears_all(self, name: str) -> None:
        _, listener = self.running[name]
        await listener.hears(*self.said[name])

    async def check(self) -> None:
        """Nobody hears what the other one says, and what lies in a Redis was said by the one that it belongs to."""
        for number in (0, 1):
            whose, texts = await stored(f"{self.redis.url}/{number}")
            assert {text[0] for text in texts} <= {whose}, (number, whose, texts)
        for name, running in self.running.items():
            if len(running) == 2:
                heard = await running[1].heard()
                assert set(heard) <= set(self.said[name]), (name, heard)


async def stored(url: str) -> tuple[str, list[str]]:
    """Whose a database of Redis is, and what was said in its streams."""
    async with redis_client(_At(url)) as client:
        entries = [entry for key in await client.keys("*:events") for entry in await client.xrange(key)]
        whose = (await client.get(COPY) or b"").decode()
    return whose, [msgspec.json.decode(decode_envelope(fields[b"e"]).data)["text"] for _, fields in entries]


class _At(EmbeddedRedis):
    """As much of a server as its address."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url
