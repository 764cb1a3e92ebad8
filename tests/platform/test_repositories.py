"""What every repository promises: event-sourced, rows, and the one in memory that tests of contexts use."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table

from mallbots_platform.aggregates import Aggregate, Entity, Recorder
from mallbots_platform.causes import Cause
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, event
from mallbots_platform.rows import Rows
from mallbots_platform.testing import MemoryRepository
from tests.support.parts import Parts, empty_postgres

T = TypeVar("T")


@event
class LampSwitched:
    on: bool


class StreetLamp(Aggregate):
    on: bool = False

    def switch(self) -> None:
        self.record(LampSwitched(on=not self.on))

    def apply(self, event: LampSwitched) -> None:
        self.on = event.on


class DeskLamp(Entity):
    on: bool = False

    def switch(self) -> None:
        self.on = not self.on
        self.record(LampSwitched(on=self.on))


LAMPS = Contract(context="lamps", events=(LampSwitched,))
tables = MetaData()
desk_lamps = Table(
    "desk_lamps",
    tables,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("on", Boolean, nullable=False),
)


class Kept(AbstractAsyncContextManager["Kept"]):
    """A repository of lamps, and how work reaches it."""

    def __init__(self, kind: type[Any], name: str, url: str = "") -> None:
        self.new = kind
        self.name = name
        self.parts = Parts(url, LAMPS) if url else None
        self.lamps: Any = MemoryRepository(name)

    async def __aenter__(self) -> "Kept":
        if self.parts is not None:
            await self.parts.__aenter__()
            self.parts.database.create(tables)
            self.parts.outbox.publish(lambda source, event: [event])
            self.lamps = self._repository(self.parts)
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self.parts is not None:
            await self.parts.__aexit__(*exception)

    def _repository(self, parts: Parts) -> Any:
        if issubclass(self.new, Entity):
            return Rows(self.new, desk_lamps, parts.database, parts.outbox)
        return EventSourced(self.new, (LampSwitched,), parts.database, parts.outbox, parts.meter)

    async def change(self, work: Callable[[], T], correlation_id: str = "") -> T:
        return await self.parts.change(work, Cause("call", correlation_id)) if self.parts else work()

    async def add(self, id: str = "1", correlation_id: str = "") -> None:
        def add() -> None:
            lamp = self.new(id=id, correlation_id=correlation_id)
            lamp.switch()
            self.lamps.add(lamp)

        await self.change(add)

    async def published(self) -> int:
        return len(await self.parts.published()) if self.parts else len(self.lamps.published)


@pytest.fixture(
    params=[f"{kind} in {place}" for kind in ("aggregate", "entity") for place in ("memory", "sqlite", "postgresql")]
)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    kind, _, place = request.param.partition(" in ")
    lamp, name = (StreetLamp, "street lamp") if kind == "aggregate" else (DeskLamp, "desk lamp")
    if place == "postgresql":
        return Kept(lamp, name, empty_postgres(request.getfixturevalue("postgres_url"), tables))
    return Kept(lamp, name, f"sqlite:///{tmp_path / 'lamps.db'}" if place == "sqlite" else "")


async def test_what_was_added_is_found(kept: Kept) -> None:
    await kept.add("1")

    found = await kept.change(lambda: kept.lamps.get("1"))

    assert (found.id, found.on, found.version, found.recorded) == ("1", True, 1, ())
    assert await kept.published() == 1


async def test_what_was_saved_is_found(kept: Kept) -> None:
    await kept.add("1")

    def switch() -> None:
        lamp = kept.lamps.get("1")
        lamp.switch()
        kept.lamps.save(lamp)

    await kept.change(switch)
    await kept.change(switch)

    found = await kept.change(lambda: kept.lamps.get("1"))
    assert (found.on, found.version) == (True, 3)
    assert await kept.published() == 3


async def test_saving_leaves_nothing_recorded(kept: Kept) -> None:
    def add() -> Recorder:
        lamp: Recorder = kept.new(id="1")
        lamp.switch()  # type: ignore[attr-defined] # both lamps have it
        kept.lamps.add(lamp)
        return lamp

    lamp = await kept.change(add)

    assert (lamp.version, lamp.recorded) == (1, ())


async def test_a_saved_thing_can_be_changed_and_saved_again(kept: Kept) -> None:
    def change_twice() -> None:
        lamp = kept.new(id="1")
        lamp.switch()
        kept.lamps.add(lamp)
        lamp.switch()
        kept.lamps.save(lamp)

    await kept.change(change_twice)

    found = await kept.change(lambda: kept.lamps.get("1"))
    assert (found.on, found.version) == (False, 2)


async def test_an_unknown_id_is_not_found(kept: Kept) -> None:
    with pytest.raises(NotFound, match=f"no {kept.name} has the id 'unknown'"):
        await kept.change(lambda: kept.lamps.get("unknown"))

    assert await kept.change(lambda: kept.lamps.find("unknown")) is None


async def test_a_second_creation_is_refused(kept: Kept) -> None:
    await kept.add("1")

    with pytest.raises(AlreadyExists, match=f"a {kept.name} with the id '1' exists already"):
        await kept.add("1")

    assert await kept.published() == 1


async def test_the_second_of_two_savers_is_refused(kept: Kept) -> None:
    await kept.add("1")

    def save_stale() -> None:
        fresh, stale = kept.lamps.get("1"), kept.lamps.get("1")
        fresh.switch()
        kept.lamps.save(fresh)
        stale.switch()
        kept.lamps.save(stale)

    with pytest.raises(Conflict, match=f"{kept.name} 1 has moved on"):
        await kept.change(save_stale)


async def test_what_was_refused_once_stays_refused(kept: Kept) -> None:
    await kept.add("1")
    stale = await kept.change(lambda: kept.lamps.get("1"))

    def switch(lamp: Any) -> None:
        lamp.switch()
        kept.lamps.save(lamp)

    await kept.change(lambda: switch(kept.lamps.get("1")))

    for _ in range(2):
        with pytest.raises(Conflict):
            await kept.change(lambda: switch(stale))
    assert await kept.published() == 2


async def test_saving_what_was_never_added_is_refused(kept: Kept) -> None:
    def save_unknown() -> None:
        lamp = kept.new(id="1", version=3)
        lamp.switch()
        kept.lamps.save(lamp)

    with pytest.raises(Conflict):
        await kept.change(save_unknown)

    assert await kept.change(lambda: kept.lamps.find("1")) is None


async def test_a_change_that_was_not_saved_is_not_kept(kept: Kept) -> None:
    await kept.add("1")

    await kept.change(lambda: kept.lamps.get("1").switch())

    assert (await kept.change(lambda: kept.lamps.get("1"))).on
    assert await kept.published() == 1


async def test_what_was_created_with_a_correlation_keeps_it(kept: Kept) -> None:
    await kept.add("1", correlation_id="conversation")
    await kept.add("2")

    one, two = await kept.change(lambda: (kept.lamps.get("1"), kept.lamps.get("2")))

    assert (one.correlation_id, two.correlation_id) == ("conversation", "2")


async def test_a_later_call_joins_the_first_conversation(kept: Kept) -> None:
    await kept.add("1", correlation_id="conversation")

    def switch() -> str:
        lamp = kept.lamps.get("1")
        lamp.switch()
        kept.lamps.save(lamp)
        return str(lamp.correlation_id)

    assert await kept.change(switch, correlation_id="another") == "conversation"
