"""Entities as rows, over both databases; what they share with other repositories is in test_repositories."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, String, Table, select

from mallbots_platform.aggregates import Entity
from mallbots_platform.errors import Conflict
from mallbots_platform.messages import Contract, event
from mallbots_platform.rows import Rows, upsert
from tests.support.parts import KINDS, Parts, both, empty_database


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


@event
class MoodChanged:
    mood: Mood


class Bot(Entity):
    serial: str
    mood: Mood = Mood.GOOD
    seen_at: datetime | None = None

    def change(self, mood: Mood) -> None:
        self.mood = mood
        self.record(MoodChanged(mood=mood))


BOTS = Contract(context="bots", events=(MoodChanged,))
tables = MetaData()
bots_table = Table(
    "bots",
    tables,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("serial", String, nullable=False, unique=True),
    Column("mood", String, nullable=False),
    Column("seen_at", String),
)
copies = Table(
    "copies",
    tables,
    Column("shop", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("price", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", DateTime),
)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path, tables)


@pytest.fixture
def parts(database_url: str) -> Parts:
    return Parts(database_url, BOTS)


def bots_in(parts: Parts) -> Rows[Bot]:
    parts.database.create(tables)
    parts.outbox.publish(lambda bot, event: [event])
    return Rows(Bot, bots_table, parts.database, parts.outbox)


async def test_every_kind_of_field_comes_back_as_it_was(parts: Parts) -> None:
    bots = bots_in(parts)
    seen_at = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)

    await parts.change(lambda: bots.add(Bot(id="1", serial="Ü-1", mood=Mood.BAD, seen_at=seen_at)))

    found = await parts.change(lambda: bots.get("1"))
    assert (found.serial, found.mood, found.seen_at, found.version) == ("Ü-1", Mood.BAD, seen_at, 1)


async def test_one_save_is_one_version_however_much_happened(parts: Parts) -> None:
    bots = bots_in(parts)

    def change_twice() -> None:
        bot = Bot(id="1", serial="1")
        bot.change(Mood.BAD)
        bot.change(Mood.GOOD)
        bots.add(bot)

    await parts.change(change_twice)

    assert (await parts.change(lambda: bots.get("1"))).version == 1
    assert len(await parts.published()) == 2


async def test_rows_are_found_by_conditions_in_order(parts: Parts) -> None:
    bots = bots_in(parts)
    for number in range(4):
        mood = Mood.BAD if number % 2 else Mood.GOOD
        await parts.change(partial(bots.add, Bot(id=f"{number}", serial=f"{9 - number}", mood=mood)))

    by_serial = (bots_table.c.serial,)
    bad = bots_table.c.mood == Mood.BAD.value

    assert [bot.id for bot in await parts.change(lambda: bots.all(bad, order_by=by_serial))] == ["3", "1"]
    assert [bot.id for bot in await parts.change(lambda: bots.all(order_by=by_serial, limit=2))] == ["3", "2"]
    first = await parts.change(lambda: bots.first(bad, order_by=by_serial))
    assert first is not None and first.id == "3"
    assert await parts.change(lambda: bots.first(bots_table.c.mood == "sad")) is None


async def test_a_deleted_row_is_gone(parts: Parts) -> None:
    bots = bots_in(parts)
    await parts.change(lambda: bots.add(Bot(id="1", serial="1")))

    await parts.change(lambda: bots.delete(bots.get("1")))

    assert await parts.change(lambda: bots.find("1")) is None


async def test_a_collision_in_another_column_is_a_conflict(parts: Parts) -> None:
    bots = bots_in(parts)
    await parts.change(lambda: bots.add(Bot(id="1", serial="same")))

    with pytest.raises(Conflict, match="bot 2 collides with another"):
        await parts.change(lambda: bots.add(Bot(id="2", serial="same")))

    assert await parts.change(lambda: bots.find("2")) is None


async def test_two_processes_lose_no_change_of_a_row(parts: Parts) -> None:
    async with Parts(parts.url, BOTS) as other:
        mine, others = bots_in(parts), bots_in(other)
        await parts.change(lambda: mine.add(Bot(id="1", serial="0")))

        def count(bots: Rows[Bot]) -> None:
            bot = bots.get("1")
            bot.serial = str(int(bot.serial) + 1)
            bots.save(bot)

        outcomes: list[Any] = []
        for _ in range(20):
            outcomes += await both(parts.change(lambda: count(mine)), other.change(lambda: count(others)))
        found = await parts.change(lambda: mine.get("1"))

    done = outcomes.count(None)
    assert (int(found.serial), found.version) == (done, done + 1)
    assert done >= 20


def copy_of(price: int, version: int, sku: str = "a") -> dict[str, Any]:
    return {"shop": "s", "sku": sku, "price": price, "version": version, "changed_at": None}


async def test_an_upsert_inserts_and_then_replaces(parts: Parts) -> None:
    parts.database.create(tables)

    for copy in (copy_of(1, 1), copy_of(5, 2), copy_of(7, 1, sku="b")):
        await parts.change(partial(parts.database.execute, upsert(copies, copy)))

    found = await parts.change(lambda: parts.database.execute(select(copies.c.sku, copies.c.price)).all())
    assert sorted(tuple(row) for row in found) == [("a", 5), ("b", 7)]


async def test_an_upsert_of_an_older_copy_changes_nothing(parts: Parts) -> None:
    parts.database.create(tables)
    prices = []

    for copy in (copy_of(10, 2), copy_of(11, 1), copy_of(12, 2), copy_of(13, 3), copy_of(14, 2)):
        await parts.change(partial(parts.database.execute, upsert(copies, copy, only_newer="version")))
        prices += await parts.rows("SELECT price, version FROM copies")

    assert prices == [(10, 2), (10, 2), (12, 2), (13, 3), (13, 3)]
