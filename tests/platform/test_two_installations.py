"""Two installations with one Redis between them, which changes hands: neither hears nor disturbs the other."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import Unavailable
from mallbots_platform.gauges import Gauges
from mallbots_platform.retention import Retention
from tests.support.posts import Letter, open_post
from tests.support.two_installations import Two, empties, names_installation
from tests.support.world import World, eventually, redis_client


async def test_the_second_one_leaves_redis_alone_and_says_so(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    async with Two(tmp_path, redis_server) as both:
        for name in "AB":
            await both.start(name)
            await both.say(name)
        await both.hears_all("A")
        for running in both.running["B"]:
            assert await running.counts(1, "mallbots_redis_foreign")
            assert running.process.troubles[0] == (
                "this Redis belongs to the installation A, and this is B: nothing is published or consumed; use another"
                " Redis, or another MALLBOTS_KEY_PREFIX, or, if A is no more, remove the key mall.installation from"
                " Redis"
            )
            assert not any(each._leases.owned for each in running.process.subscriptions.values())
        await both.check()


async def test_with_prefixes_of_their_own_both_work(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    async with Two(tmp_path, redis_server) as both:
        for name, prefix in {"A": "mall", "B": "other"}.items():
            await both.start(name, key_prefix=prefix)
        for _ in range(3):
            for name in "AB":
                await both.say(name)
        for name in "AB":
            await both.hears_all(name)

        async with redis_client(redis_server) as client:
            keys = {key.decode() for key in await client.keys()}
        assert {key.lstrip("{").partition(".")[0] for key in keys} == {"mall", "other"}
        assert [process.troubles for name in "AB" for process in (r.process for r in both.running[name])] == [[]] * 4


async def test_every_key_begins_with_the_prefix(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    world = World(tmp_path, redis_server, key_prefix="other")
    async with redis_client(redis_server) as client, client.monitor() as monitor, world:
        listening = asyncio.create_task(everything_heard(monitor))
        teller, listener, post = await world.teller(), await world.listener(), await open_post(world, claim_seconds=0.2)
        await teller.say("a", "b")
        await listener.hears("a", "b")
        await post.put("ann")
        await post.does("ann")
        await teller.process.faults.switch_on("poison-event", 1)
        for running in (teller, listener):
            await Gauges(running.process).look()
        retention = Retention(
            "teller", teller.process.redis, teller.process.writer, teller.process.readers, 0, teller.process.telemetry
        )
        await eventually(retention.trim)
        await empties(redis_server)
        await teller.say("c")
        await listener.hears("a", "b", "c")
        for running in (teller, listener, post.running):
            await running.stop()
        await client.publish("that is", "all")
        commands = await listening

    keyed = [command for command in commands if "other" in command]
    assert {verb(command) for command in keyed} >= {"XREADGROUP", "EVALSHA", "EVAL", "XINFO", "XRANGE", "XLEN", "GET"}
    assert [command for command in commands if "mall" in command] == []
    assert {verb(command) for command in commands} - {verb(command) for command in keyed} <= WITHOUT_KEYS


WITHOUT_KEYS = {
    "FLUSHALL",
    "CONFIG",
    "INFO",
    "SCRIPT",
    "HELLO",
    "CLIENT",
    "TIME",
    "MULTI",
    "EXEC",
    "PUBLISH",
    "MONITOR",
}


def verb(command: str) -> str:
    return command.split()[0].upper()


async def everything_heard(monitor: Any) -> list[str]:
    """Until somebody publishes something. What a script does is heard apart from the script."""
    commands: list[str] = []
    while not commands or verb(commands[-1]) != "PUBLISH":
        heard = await monitor.next_command()
        commands.append(heard["command"])
    return commands


async def test_who_finds_its_own_redis_again_goes_on(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    async with Two(tmp_path, redis_server) as both:
        await both.start("A")
        await both.say("A")
        await both.hears_all("A")

        await names_installation(redis_server, "B")
        teller = both.running["A"][0]
        await eventually(lambda: teller.process.installation.foreign == "B")
        await both.say("A")
        await names_installation(redis_server, "A")

        await both.hears_all("A")
        await eventually(lambda: not teller.process.troubles)
        assert teller.measured("mallbots_redis_foreign") == 0


async def test_in_a_redis_of_others_nothing_set_aside_is_tried_again(world: World) -> None:
    tried: list[str] = []

    async def deliver(letter: Letter) -> None:
        refuse(letter.to)

    def refuse(text: str) -> None:
        tried.append(text)
        raise Unavailable("not now")

    async with world:
        teller, listener = await world.teller(), await world.listener(refuse, retry_attempts=1000)
        post = await open_post(world, deliver, retry_attempts=1000)
        await teller.say("message")
        await post.put("job")
        await eventually(lambda: tried.count("message") > 2 and tried.count("job") > 2)

        await names_installation(world.redis, "others")
        await eventually(lambda: listener.process.installation.foreign and post.process.installation.foreign)
        await eventually(lambda: any("cannot work" in trouble for trouble in post.process.troubles))
        await eventually(lambda: not any(each._leases.owned for each in listener.process.subscriptions.values()))
        await asyncio.sleep(0.1)
        before = len(tried)
        await asyncio.sleep(0.5)
        assert len(tried) == before

        await names_installation(world.redis, post.process.installation.id)
        await eventually(lambda: {*tried[before:]} == {"message", "job"})


FATES = ("empty", "empty", "restart", "swap", "copy A to B", "stop A", "stop B")
PAUSES = (0.0, 0.05, 0.6)  # after the longest, who was turned away has tried again
ROUND = st.tuples(st.sampled_from(FATES), st.sampled_from(PAUSES), st.sampled_from(["AB", "BA", "BAB"]))


class Search(Two):
    async def meet(self, fate: str) -> None:
        match fate:
            case "empty":
                await empties(self.redis)
            case "swap":
                async with redis_client(self.redis) as client:
                    await client.swapdb(0, 1)
            case "restart":
                await asyncio.to_thread(self.redis.kill)
                await asyncio.to_thread(self.redis.start)
            case "copy A to B":
                await self.copy()
            case _:
                await self.stop(fate[-1])

    async def copy(self) -> None:
        """Somebody restores B from the wrong backup. It does not start any more until that is mended."""
        await self.stop("B")
        mine = self.worlds["B"].directory
        kept = mine.with_name("kept")
        shutil.copytree(mine, kept)
        for path in self.worlds["A"].directory.glob("*.db*"):
            shutil.copy(path, mine)
        if any(self.worlds["A"].directory.glob("*.db")):
            await self.start("B")
            assert len(self.running["B"]) < 2
            await self.stop("B")
        shutil.rmtree(mine)
        kept.rename(mine)

    async def end_well(self) -> None:
        """Each for itself, with a Redis of its own, hears all that it has said, in order."""
        for name in "AB":
            await self.stop(name)
        for name in "AB":
            await empties(self.redis)
            await self.start(name)
            await self.say(name)
            await self.hears_all(name)
            await self.stop(name)


def test_whatever_becomes_of_redis_and_databases_two_stay_apart(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()

    async def live_through(rounds: list[tuple[str, float, str]], shared: bool) -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with Search(Path(directory), server) as both:
                for number, name in enumerate("AB"):
                    both.worlds[name].settings["redis_url"] = f"{server.url}/{0 if shared else number}"
                for fate, pause, names in rounds:
                    await both.meet(fate)
                    await asyncio.sleep(pause)
                    for name in names:
                        await both.start(name)
                        await both.say(name)
                        await both.check()
                await both.end_well()

    @settings(max_examples=6)
    @given(st.lists(ROUND, min_size=3, max_size=6), st.booleans())
    def search(rounds: list[tuple[str, float, str]], shared: bool) -> None:
        asyncio.run(live_through(rounds, shared))

    try:
        search()
    finally:
        server.stop()
