"""A program that is older than what it reads waits for a later one: nothing is lost, counted or passed over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform import due_timers
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import NewerVersion
from mallbots_platform.messages import Contract
from mallbots_platform.process import Process, open_process
from tests.conftest import new_database
from tests.support.posts import POST, Letter
from tests.support.releases import Shop, open_shipper, open_shop
from tests.support.world import Running, World, eventually

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    world = World(tmp_path, redis_server)
    if request.param == "postgresql":
        for context in ("shop", "shipper", "post"):
            world.databases[context] = new_database(request.getfixturevalue("postgres_url"))
    return world


def shop_of(running: Running) -> Shop:
    shop: Shop = running.process.shop  # type: ignore[attr-defined] # see `open_shop`
    return shop


async def parked_are(running: Running, *wanted: tuple[Any, ...]) -> bool:
    """Type, key, state and attempts of each."""
    return await running.rows("SELECT type, key, state, attempts FROM parked ORDER BY type, id") == list(wanted)


async def start_shop(world: World, number: int) -> Running:
    return await world.start(open_shop(world, number))


async def start_shipper(world: World, number: int) -> Running:
    return await world.start(open_shipper(world, number))


async def test_newer_messages_wait_in_order_and_others_flow_past(places: World) -> None:
    newer, shipper = await start_shop(places, 2), await start_shipper(places, 1)
    await shop_of(newer).place("1", key="ann")
    placed, ship = ("shop.OrderPlaced", "ann", "newer", 0), ("shipper.Ship", "1", "newer", 0)
    assert await eventually(lambda: parked_are(shipper, ship, placed))
    await newer.stop()

    older = await start_shop(places, 1)
    await shop_of(older).place("2", key="ann")
    await shop_of(older).place("3", key="ben")
    assert await shipper.until(lambda heard: "placed 3" in heard)
    assert await eventually(lambda: parked_are(shipper, ship, placed, ("shop.OrderPlaced", "ann", "queued", 0)))
    await shipper.stop()

    later = await start_shipper(places, 2)
    heard = await later.until(lambda heard: {"placed 2", "shipped 1"} <= set(heard))
    assert [text for text in heard if text.startswith("placed")] == ["placed 3", "placed 1", "placed 2"]
    assert await eventually(lambda: parked_are(later))
    assert await later.rows("SELECT MAX(attempts), COUNT(*) FROM deliveries") == [(1, 6)]


async def test_a_command_that_nobody_knows_yet_waits(places: World) -> None:
    newer, shipper = await start_shop(places, 2), await start_shipper(places, 1)
    await shop_of(newer).wrap("1")
    assert await eventually(lambda: parked_are(shipper, ("shipper.Wrap", "1", "newer", 0)))
    await shipper.stop()

    later = await start_shipper(places, 2)

    assert await later.hears("wrapped 1")


async def test_a_saga_of_a_later_release_waits_for_it(places: World) -> None:
    """Also its time-out, which an older program cannot judge."""
    newer = await start_shop(places, 2)
    await shop_of(newer).place("1")
    await newer.stop()

    older = await start_shop(places, 1)
    await time_passes(older)
    assert await eventually(lambda: kept(older, ("shop.AnswerIsOverdue", 0)))
    shipper = await start_shipper(places, 2)
    assert await shipper.until(lambda heard: "shipped 1" in heard)
    assert await eventually(lambda: parked_are(older, ("platform.Accepted", "1", "newer", 0)))
    await older.stop()

    later = await start_shop(places, 2)
    assert await later.hears("finished 1")
    assert await eventually(lambda: parked_are(later))
    assert await later.rows("SELECT * FROM timers") == []


async def test_a_timer_of_a_later_release_is_kept_for_it(places: World) -> None:
    newer = await start_shop(places, 2)
    await shop_of(newer).remind("1", FUTURE)
    await newer.stop()

    older = await start_shop(places, 1)
    await time_passes(older)
    await shop_of(older).remind("2", PAST)
    assert await older.hears("reminded 2")
    assert await eventually(lambda: kept(older, ("shop.Remind", 0)))
    await older.stop()

    later = await start_shop(places, 2)
    assert await later.hears("reminded 2", "reminded 1")
    assert await later.rows("SELECT * FROM timers") == []


async def test_a_kept_timer_is_fired_by_a_later_program_beside(places: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_timers, "KEPT_SECONDS", 0.05)
    newer = await start_shop(places, 2)
    await shop_of(newer).remind("1", FUTURE)
    await newer.process.change(lambda: newer.process.database.run("UPDATE timers SET kept = 1"))
    await time_passes(newer)

    assert await newer.hears("reminded 1")


async def time_passes(running: Running) -> None:
    """Until all that was set is due."""
    await running.process.change(lambda: running.process.database.run("UPDATE timers SET due_at = 1"))
    running.process.timers._changed.set()


async def kept(running: Running, *wanted: tuple[Any, ...]) -> bool:
    return await running.rows("SELECT type, attempts FROM timers WHERE kept = 1") == list(wanted)


async def test_what_a_later_release_has_changed_is_changed_by_none_of_before(places: World) -> None:
    newer = await start_shop(places, 2)
    await shop_of(newer).store("shelf", "cup", "jug", "pot")  # with a snapshot after the second
    await newer.stop()

    older = await start_shop(places, 1)
    with pytest.raises(NewerVersion, match=r"Shelf\.Stored: version 2 is newer"):
        await shop_of(older).store("shelf", "pan")
    await shop_of(older).store("other", "pan")
    await older.stop()

    later = await start_shop(places, 2)
    await shop_of(later).store("other", "cup")
    assert await shop_of(later).things("shelf") == ("cup", "jug", "pot")
    assert await shop_of(later).things("other") == ("pan", "cup")


async def test_a_job_of_a_later_release_waits_for_it(places: World) -> None:
    newer = Contract(context="post", commands=POST.commands, versions={Letter: 2})
    done: list[str] = []

    async def deliver(letter: Letter) -> None:
        done.append(letter.to)

    @asynccontextmanager
    async def post(contract: Contract) -> AsyncIterator[Process]:
        async with open_process(contract, places.settings_of("post")) as process:
            process.work_queue("letters", {Letter: deliver})
            yield process

    async def put(running: Running, to: str) -> None:
        [queue] = running.process.queues.values()
        await running.process.change(lambda: queue.put(Letter(to=to), to))

    first = await places.start(post(newer))
    [queue] = first.process.queues.values()
    queue._free = type(queue._free)(0)  # it takes none itself
    await put(first, "ann")
    await first.stop()

    older = await places.start(post(POST))
    await put(older, "ben")
    assert await eventually(lambda: done == ["ben"])
    assert await eventually(lambda: parked_are(older, ("post.Letter", "ann", "newer", 0)))
    await older.stop()

    await places.start(post(newer))
    assert await eventually(lambda: done == ["ben", "ann"])
