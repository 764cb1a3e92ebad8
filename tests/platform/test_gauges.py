"""What is measured by looking: streams in Redis, processes under way, and how old a thing was when it got there."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.clock import now_us
from mallbots_platform.gauges import Gauges, sagas_in_trouble
from mallbots_platform.messages import Contract, event
from mallbots_platform.process import Process
from tests.support.travel import Agency, trip_saga
from tests.support.world import Running, World, eventually


@event
class Begun:
    pass


@event
class Done:
    name: str


class Errand(Aggregate):
    def apply(self, happened: Begun) -> None:
        """It has no state."""


RUNNER = Contract(context="teller", events=(Done,))


async def looked(running: Running) -> Running:
    await Gauges(running.process).look()
    return running


async def test_what_the_streams_hold_is_counted(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two", key="a")
    await teller.say("three", key="b")
    await eventually(lambda: teller.process.relay.progress and teller.process.relay.behind == 0)

    assert (await looked(teller)).measured("mallbots_stream_entries") == 3


async def test_what_redis_cannot_say_stays_as_it_was(world: World) -> None:
    teller = await world.teller()
    await teller.say("one")
    await eventually(lambda: teller.process.relay.progress and teller.process.relay.behind == 0)
    await looked(teller)

    await teller.process.faults.switch_on("cut-redis", 30.0)

    assert (await looked(teller)).measured("mallbots_stream_entries") == 1


async def test_who_cannot_reach_redis_is_further_behind_with_every_second(world: World) -> None:
    teller = await world.teller()
    listener = await world.listener()
    gauges = Gauges(listener.process)

    async def seconds_behind() -> float:
        await gauges.look()
        return listener.measured("mallbots_stream_lag_seconds", group="listener", source="teller", partition="0")

    assert await seconds_behind() == 0

    await listener.process.faults.switch_on("cut-redis", 30.0)
    await teller.say("one")
    await asyncio.sleep(0.2)
    assert 0.2 <= await seconds_behind() < 10

    await listener.process.faults.switch_off("cut-redis")
    assert await listener.hears("one")
    assert await seconds_behind() == 0


async def test_the_oldest_process_at_each_step_is_measured(world: World) -> None:
    teller = await world.teller()

    def two_wait_one_is_over() -> None:
        for name, state, seconds in (("a", "running", 30), ("b", "running", 5), ("c", "completed", 500)):
            since = now_us() - seconds * 1_000_000
            teller.process.database.run(
                "INSERT INTO sagas (saga, id, state, step, awaiting, started_at, changed_at)"
                " VALUES ('order', ?, ?, 'vet', '', ?, ?)",
                (name, state, since, since),
            )

    await teller.process.change(two_wait_one_is_over)

    seen = await looked(teller)
    assert seen.measured("mallbots_saga_in_flight", saga="order", step="vet") == 2
    assert seen.measured("mallbots_saga_oldest_seconds", saga="order", step="vet") == pytest.approx(30, abs=5)


async def test_the_time_from_the_first_event_to_the_last_is_measured_when_it_is_committed(world: World) -> None:
    teller = await world.teller(RUNNER)
    process = teller.process
    errands = process.event_sourced(Errand, events=(Begun,))
    process.publish(lambda errand, happened: [])
    process.time("mallbots_order_ready_seconds", ends=Done, of=errands)

    def begin() -> None:
        errand = Errand(id="e")
        errand.record(Begun())
        errands.add(errand)

    await process.change(begin)
    await asyncio.sleep(0.2)
    await process.change(lambda: done(process))
    with pytest.raises(ZeroDivisionError):
        await process.change(lambda: done(process) / 0)

    assert teller.measured("mallbots_order_ready_seconds_count") == 1
    assert 0.2 <= teller.measured("mallbots_order_ready_seconds_sum") < 10


def done(process: Process) -> int:
    process.outbox.record(Done(name="e"), key="e")
    return 1


async def test_processes_that_cannot_go_on_are_counted(tmp_path: Path) -> None:
    async with Agency(f"sqlite:///{tmp_path / 'travel.db'}") as agency:
        database = agency.parts.database
        look = partial(sagas_in_trouble, database, "travel", [trip_saga])
        asleep = ("mallbots_saga_asleep", (("saga", "trip"),))
        stuck = {
            step.name: ("mallbots_saga_stuck", (("saga", "trip"), ("step", step.name))) for step in trip_saga.steps
        }
        none = dict.fromkeys([asleep, *stuck.values()], 0)
        await agency.request()
        assert await agency.parts.change(look) == none

        await agency.accept()
        await agency.refuse("no room")
        await agency.refuse("the train has left")
        await agency.request("2")
        await agency.parts.change(lambda: database.run("DELETE FROM timers WHERE key = 'trip:2'"))

        assert await agency.parts.change(look) == none | {stuck["reserve seat"]: 1, asleep: 1}
