"""Real processes that die each time of what they try again, a parked message or a timer: it is set aside, and seen."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mallbots_platform.clock import now
from mallbots_platform.crash_notes import LIMIT
from mallbots_platform.messages import Contract, command
from mallbots_platform.process import Process, open_process
from tests.crash.lives import DEADLINE_SECONDS, children
from tests.support.world import TELLER, Running, Said, World, eventually, metadata

DIED = 9


@command
class Wake:
    who: str


async def sleeper(world: World, on_said: Any, on_wake: Any) -> Running:
    @asynccontextmanager
    async def compose() -> AsyncIterator[Process]:
        async with open_process(Contract(context="sleeper"), world.settings_of("sleeper")) as process:
            process.create_tables(metadata)
            process.subscribe(TELLER, {Said: on_said})
            process.on_timers({Wake: on_wake})
            yield process

    return await world.start(compose())


def die(message: object) -> None:
    os._exit(DIED)


def live(directory: Path, redis_url: str) -> None:
    """Until nothing is left to be tried again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    asyncio.run(try_all(World(directory, SimpleNamespace(url=redis_url))))  # type: ignore[arg-type] # all it asks for
    os._exit(0)


async def try_all(world: World) -> None:
    running = await sleeper(world, die, die)
    await eventually(partial(has_nothing_to_do, running), DEADLINE_SECONDS)


async def has_nothing_to_do(running: Running) -> bool:
    waiting = await running.rows("SELECT 1 FROM parked WHERE state = 'waiting'")
    return not waiting and not await running.rows("SELECT 1 FROM timers WHERE due_at < ?", 1 << 61)


async def lives_that_end(world: World) -> int:
    deaths = 0
    while True:
        child = children.Process(target=live, args=(world.directory, world.redis.url))
        child.start()
        await asyncio.to_thread(child.join, DEADLINE_SECONDS)
        assert child.exitcode in (0, DIED)
        if child.exitcode == 0:
            return deaths
        deaths += 1
        assert deaths <= 3 * LIMIT, "who kills is tried for ever"


def fail(message: object) -> None:
    raise ValueError("not yet")


async def set_timer(running: Running, after: timedelta) -> None:
    await running.process.change(lambda: running.process.timers.set(Wake(who="ann"), "ann", now() + after))


@pytest.mark.parametrize("what", ["message", "timer"])
async def test_who_kills_while_it_is_tried_again_is_set_aside(world: World, what: str) -> None:
    teller, first = await world.teller(), await sleeper(world, fail, fail)
    if what == "message":
        await teller.say("deadly")
        await eventually(lambda: first.rows("SELECT 1 FROM parked"))
        await first.stop()
    else:
        await set_timer(first, timedelta(seconds=0.5))
        await first.crash()
    await teller.stop()

    assert await lives_that_end(world) in (LIMIT, LIMIT + 1)  # the first one may be noted already

    after = await sleeper(world, fail, fail)
    rows = await after.rows("SELECT group_name, state, error FROM parked")
    group = "sleeper" if what == "message" else "sleeper.timers"
    assert [row[:2] for row in rows] == [(group, "dead")]
    assert f"the process died {LIMIT} times" in rows[0][2]
    assert await after.rows("SELECT 1 FROM crash_notes WHERE lane LIKE '%alone'") == []
