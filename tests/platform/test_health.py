"""What a process says of itself: whether it lives, and whether it can answer."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mallbots.pages import complaints
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import DatabaseAway
from mallbots_platform.health import Health
from mallbots_platform.process import Process
from tests.conftest import new_database
from tests.support.complaining import says
from tests.support.world import World, eventually

PACKAGE = Path(__file__).parents[2]
IN_TIME = 10.0
PATIENCE = 1.0


async def test_a_process_is_ready_when_calls_can_be_answered(world: World) -> None:
    teller = await world.teller()
    health, address = teller.process._life._health, teller.process.endpoint.metrics

    assert await eventually(lambda: health.ready() == [])
    assert await asyncio.to_thread(complaints, address, "livez") == []
    teller.process.stop()
    assert health.ready() == ["it is leaving"]
    assert health.live() == []


async def test_redis_makes_nothing_unready(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    try:
        async with World(tmp_path, redis) as world:
            teller, listener = await world.teller(), await world.listener()
            redis.kill()
            await teller.say("an order is still taken")

            assert await eventually(lambda: teller.process.troubles and listener.process.troubles)
            for running in (teller, listener):
                address = running.process.endpoint.metrics
                assert await eventually(lambda: said_of_redis(address))  # noqa: B023 # awaited at once
                assert await asyncio.to_thread(complaints, address, "readyz") == []
            redis.start()
    finally:
        redis.kill()


async def said_of_redis(address: str) -> bool:
    return any("Connect" in trouble for trouble in await asyncio.to_thread(complaints, address, "healthz"))


async def test_a_database_that_cannot_be_written_makes_unready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform._sqlite.BUSY_MILLISECONDS", 50)
    teller = await world.teller()
    health = teller.process._life._health
    holder = Database(teller.process.database.url)
    holder.begin("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseAway):
        await teller.say("in vain")

    assert health.ready() == ["nothing can be written: the database is locked: SQLITE_BUSY database is locked"]
    holder.undo()
    holder.close()
    await teller.say("again")
    assert health.ready() == []


async def test_what_waits_too_long_makes_unready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.health.QUEUE_SECONDS", 0.2)
    teller, go_on = await world.teller(), threading.Event()
    health = teller.process._life._health
    waiting = asyncio.ensure_future(teller.process.change(go_on.wait))
    try:
        await asyncio.sleep(0.3)
        health.look()
        assert health.ready() == ["what was to be written first has waited for 0 s"]
    finally:
        go_on.set()
        await waiting

    def is_ready() -> bool:
        health.look()
        return health.ready() == []

    await eventually(is_ready)


async def test_a_thread_that_is_at_one_thing_for_too_long_is_dead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.15)
    monkeypatch.setattr("mallbots_platform.health.EVERY_SECONDS", 0.02)
    teller, ends = await world.teller(), threading.Event()
    health = teller.process._life._health
    for ask in (teller.process.change, teller.process.read):
        ends.clear()
        busy = asyncio.ensure_future(ask(ends.wait))
        await asyncio.sleep(0.2)
        told = await asyncio.to_thread(health.live)
        ends.set()
        await busy

        assert len(told) == 1 and told[0].startswith("a thread has been at one thing for 0 s: ")
        assert await asyncio.to_thread(health.live) == []


async def test_who_waits_for_the_database_is_alive(
    world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.15)
    monkeypatch.setattr("mallbots_platform.health.EVERY_SECONDS", 0.02)
    world.databases["teller"] = new_database(postgres_url)
    teller = await world.teller()
    database, health = teller.process.database, teller.process._life._health
    for ask in (teller.process.change, teller.process.read):
        waiting = asyncio.ensure_future(ask(lambda: database.run("SELECT pg_sleep(0.8)")))
        await asyncio.sleep(0.3)

        assert await asyncio.to_thread(health.live) == []
        await waiting


async def test_a_loop_that_does_not_turn_is_told_by_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.2)
    monkeypatch.setattr("mallbots_platform.health.LATE_SECONDS", 0.1)
    teller = await world.teller()
    health: Health = teller.process._life._health
    health.look()
    told: list[list[str]] = []

    def ask() -> None:
        time.sleep(0.3)
        told.extend((health.live(), health.ready()))

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()  # the loop stands still for as long

    assert told == [["the event loop has not turned for 0 s"]] * 2


async def test_troubles_are_looked_at_by_the_loop_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they are found in is changed there at any time."""
    looked: set[int] = set()
    troubles: Any = Process.troubles

    def look(process: Process) -> Any:
        looked.add(threading.get_ident())
        return troubles.fget(process)

    monkeypatch.setattr(Process, "troubles", property(look))
    teller = await world.teller()

    assert await eventually(lambda: says(teller.process.endpoint, "healthz", ""))
    assert looked == {threading.get_ident()}
