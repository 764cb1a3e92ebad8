"""Numbers that are none are refused before anything is written, wherever they lie."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import JSON, Column, Float, Integer, MetaData, String, Table

from mallbots_platform.aggregates import Aggregate, Entity
from mallbots_platform.clock import now
from mallbots_platform.codec import Codec
from mallbots_platform.errors import InvalidInput
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, command, event, value
from mallbots_platform.rows import Rows, upsert
from tests.support.parts import KINDS, Parts, empty_database


@value
class Part:
    weight: float


@event
class Weighed:
    total: float | None = None
    parts: tuple[Part, ...] = ()
    by_name: dict[str, list[float]] | None = None
    note: str | None = None


@command
class WeighAgain:
    least: float


class Scale(Aggregate):
    sum: float = 0.0

    def apply(self, event: Weighed) -> None:
        self.sum += (event.total or 0.0) * 1e308


class Bag(Entity):
    weight: float = 0.0
    more: dict[str, float] | None = None


SCALES = Contract(context="scales", events=(Weighed,))
tables = MetaData()
bags = Table(
    "bags",
    tables,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("weight", Float),
    Column("more", JSON),
)
codec = Codec(SCALES)
NONE = [math.nan, math.inf, -math.inf]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path, tables)


@pytest.fixture
def parts(database_url: str) -> Parts:
    return Parts(database_url, SCALES)


@pytest.mark.parametrize("number", NONE)
@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda number: Weighed(total=number), "Weighed.total"),
        (lambda number: Weighed(parts=(Part(weight=1.0), Part(weight=number))), "Weighed.parts[1].weight"),
        (lambda number: Weighed(by_name={"cup": [1.0], "jug": [2.0, number]}), "Weighed.by_name['jug'][1]"),
    ],
    ids=["field", "part", "mapping"],
)
def test_it_is_refused_with_the_path_to_it(make: Callable[[float], Weighed], path: str, number: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        codec.encode(make(number))

    assert str(refused.value) == f"{path}: is {number}, which is no number"


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
WEIGHED = st.builds(
    Weighed,
    total=st.none() | FLOATS,
    parts=st.lists(st.builds(Part, weight=FLOATS), max_size=3).map(tuple),
    by_name=st.none() | st.dictionaries(st.text(max_size=3), st.lists(FLOATS, max_size=3), max_size=3),
    note=st.none() | st.just("null"),
)


@given(WEIGHED)
def test_whatever_is_written_is_read_as_it_was(weighed: Weighed) -> None:
    try:
        encoded = codec.encode(weighed)
    except InvalidInput:
        assert not all(map(math.isfinite, numbers_in(msgspec.to_builtins(weighed))))
    else:
        assert codec.decode("scales.Weighed", 1, encoded) == weighed


def numbers_in(plain: Any) -> list[float]:
    if isinstance(plain, dict | list | tuple):
        parts = plain.values() if isinstance(plain, dict) else plain
        return [number for part in parts for number in numbers_in(part)]
    return [plain] if isinstance(plain, float) else []


async def test_nothing_is_written_of_it(parts: Parts) -> None:
    """As an event that is said or kept, a timer, a snapshot, a row, a row of a read model."""
    scales = EventSourced(Scale, (Weighed,), parts.database, parts.outbox, parts.meter, snapshot_every=2)
    rows = Rows(Bag, bags, parts.database, parts.outbox)
    parts.database.create(tables)
    parts.timers.handle({WeighAgain: lambda timer: None})

    def weigh(*totals: float) -> None:
        scale = Scale(id="1")
        for total in totals:
            scale.record(Weighed(total=total))
        scales.save(scale)

    for work in (
        lambda: parts.outbox.record(Weighed(total=math.nan), key="1"),
        lambda: weigh(math.nan),
        lambda: weigh(1.0, 1.0),  # its sum is infinite
        lambda: parts.timers.set(WeighAgain(least=math.inf), "1", now()),
        lambda: rows.add(Bag(id="1", weight=math.nan)),
        lambda: rows.add(Bag(id="1", more={"cup": math.inf})),
        lambda: parts.database.execute(upsert(bags, {"id": "1", "weight": math.nan})),
    ):
        with pytest.raises(InvalidInput, match="which is no number"):
            await parts.change(work)

    for table in ("outbox", "events", "snapshots", "timers", "bags"):
        assert await parts.rows(f"SELECT * FROM {table}") == [], table
