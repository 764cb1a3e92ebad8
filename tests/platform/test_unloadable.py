"""Aggregates that cannot be loaded: whoever needs one has failed, and is neither refused nor tried for ever."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.clock import now
from mallbots_platform.errors import CannotBeLoaded, InvalidInput, RuleViolated
from mallbots_platform.event_store import EventSourced
from mallbots_platform.grpc_errors import status_of
from mallbots_platform.handling import PERMANENT, REFUSALS
from mallbots_platform.messages import Contract, command, event
from tests.support.parts import KINDS, Parts, empty_database
from tests.support.world import eventually

DAMAGES = {"payload": "SET data = '{}'", "JSON": "SET data = 'rubbish'"}


@event
class Opened:
    name: str


@command
class Wake:
    who: str


class Door(Aggregate):
    name: str = ""

    def open(self, name: str) -> None:
        self.record(Opened(name=name))

    def apply(self, event: Opened) -> None:
        if event.name == "never":
            raise RuleViolated("a door of this name cannot be opened")
        self.name = event.name


@pytest.fixture(params=KINDS)
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> Parts:
    return Parts(empty_database(request, tmp_path), Contract(context="house"))


def doors(parts: Parts) -> EventSourced[Door]:
    return EventSourced(Door, (Opened,), parts.database, parts.outbox, parts.meter)


async def damage(parts: Parts, how: str) -> None:
    def open_and_damage() -> None:
        door = Door(id="1")
        door.open("front")
        doors(parts).add(door)
        parts.database.run(f"UPDATE events {how}")

    await parts.change(open_and_damage)


@pytest.mark.parametrize("how", [*DAMAGES.values(), """SET data = '{"name": "never"}'"""], ids=[*DAMAGES, "rule"])
async def test_it_is_nobodys_refusal(parts: Parts, how: str) -> None:
    async with parts:
        await damage(parts, how)

        with pytest.raises(CannotBeLoaded, match="door 1 cannot be loaded") as caught:
            await parts.change(lambda: doors(parts).get("1"))

    assert isinstance(caught.value.__cause__, InvalidInput | RuleViolated)
    assert not isinstance(caught.value, (*REFUSALS, *PERMANENT))
    assert status_of(caught.value).name == "INTERNAL"


async def test_a_timer_that_needs_it_is_kept(parts: Parts) -> None:
    async with parts:
        await damage(parts, DAMAGES["payload"])
        parts.timers.handle({Wake: lambda timer: doors(parts).get(timer.who)})
        await parts.change(lambda: parts.timers.set(Wake(who="1"), "1", now()))
        running = asyncio.ensure_future(parts.timers.run())
        try:
            assert await eventually(lambda: tried(parts))
        finally:
            running.cancel()


async def tried(parts: Parts) -> list[tuple[Any, ...]]:
    return await parts.rows("SELECT 1 FROM timers WHERE attempts > 1 AND error LIKE '%cannot be loaded%'")
