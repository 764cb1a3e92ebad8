"""Tables of an earlier program become those of today: each step once, whoever does it, and however often it dies."""

import asyncio
import multiprocessing
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, create_engine, inspect

from mallbots_platform import schema
from mallbots_platform.backfill import LONGEST_PIECE_SECONDS, Backfill, fitting
from mallbots_platform.database import Database
from mallbots_platform.errors import CannotStart
from mallbots_platform.messages import Contract
from mallbots_platform.migrations import PLATFORM, Migration, bring_up_to_date
from mallbots_platform.tables import differences
from tests.support.parts import Parts
from tests.support.world import eventually

BEFORE = Path(__file__).parents[1] / "upgrade" / "before_epochs.tar.xz"
OWNER = "shop"


def goods(*more: Column[Any]) -> MetaData:
    metadata = MetaData()
    columns = (Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
    Table("goods", metadata, *columns, *more)
    return metadata


def price() -> Column[int]:
    return Column("price", BigInteger, nullable=False, server_default="0")


FIRST = goods()
PRICED = goods(price())
PRICES = Migration(
    number=2,
    name="goods have prices",
    statements=("ALTER TABLE goods ADD COLUMN price BIGINT NOT NULL DEFAULT 0",),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def test_a_new_database_has_nothing_left_to_be_done(database: Database) -> None:
    bring_up_to_date(database, OWNER, PRICED, [PRICES])

    assert database.run("SELECT number, finished_at > 0 FROM platform_migrations") == [(2, 1)]
    assert differences(database, PRICED) == []


def test_what_was_there_is_kept(database: Database) -> None:
    bring_up_to_date(database, OWNER, FIRST)
    database.run("INSERT INTO goods VALUES (1, 'atlas')")

    bring_up_to_date(database, OWNER, PRICED, [PRICES])
    bring_up_to_date(database, OWNER, PRICED, [PRICES])

    assert database.run("SELECT id, name, price FROM goods") == [(1, "atlas", 0)]


def test_a_step_that_fails_changes_nothing(database: Database) -> None:
    bring_up_to_date(database, OWNER, FIRST)
    broken = Migration(number=2, name="broken", statements=(*PRICES.statements, "SELECT * FROM nothing_there"))

    with pytest.raises(Exception, match="nothing_there"):
        bring_up_to_date(database, OWNER, PRICED, [broken])

    assert differences(database, PRICED) == ["column price of goods is missing"]
    assert database.run("SELECT * FROM platform_migrations") == []


def test_an_older_program_lives_with_what_it_need_not_know(database: Database) -> None:
    bring_up_to_date(database, OWNER, PRICED, [PRICES])

    bring_up_to_date(database, OWNER, FIRST)

    database.run("INSERT INTO goods (id, name) VALUES (1, 'atlas')")
    assert database.run("SELECT name FROM goods") == [("atlas",)]


def test_a_program_that_is_too_old_is_refused(database: Database) -> None:
    strict = Migration(number=2, name="prices only", oldest=2, statements=PRICES.statements)
    bring_up_to_date(database, OWNER, PRICED, [strict])

    with pytest.raises(CannotStart, match=r"'prices only'.* programs from 2 on can live, and this is 1"):
        bring_up_to_date(database, OWNER, FIRST)


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ("id INTEGER PRIMARY KEY, name TEXT NOT NULL", "column price of goods is missing"),
        ("id INTEGER PRIMARY KEY, name TEXT NOT NULL, price TEXT NOT NULL", "price of goods holds text, not whole num"),
        ("id INTEGER PRIMARY KEY, name TEXT, price BIGINT NOT NULL", "column name of goods need not be empty"),
        (
            "id INTEGER PRIMARY KEY, name TEXT NOT NULL, price BIGINT NOT NULL, owner TEXT NOT NULL",
            "column owner of goods has to be filled, and is not known here",
        ),
    ],
)
def test_a_table_that_differs_is_told_with_its_column(database: Database, there: str, told: str) -> None:
    database.run(f"CREATE TABLE goods ({there})")

    with pytest.raises(CannotStart, match="this database is not what this program expects") as refused:
        bring_up_to_date(database, OWNER, PRICED)

    assert told in str(refused.value)


def test_numbers_have_no_holes(database: Database) -> None:
    with pytest.raises(ValueError, match=r"numbered \[3\], must be 2, 3, 4"):
        bring_up_to_date(database, OWNER, PRICED, [Migration(number=3, name="third")])


# Several at once


def start_at_once(url: str, barrier: Any, ends: Any) -> None:
    """A process of its own."""
    database = Database(url)
    barrier.wait(30)
    try:
        bring_up_to_date(database, OWNER, PRICED, [PRICES])
        bring_up_to_date(database, PLATFORM, schema.metadata, schema.MIGRATIONS)
        ends.put("")
    except BaseException as error:
        ends.put(repr(error))


@pytest.mark.parametrize("made_before", [False, True])
def test_processes_that_start_at_once_do_not_disturb_one_another(database_url: str, made_before: bool) -> None:
    if made_before:
        database = Database(database_url)
        bring_up_to_date(database, OWNER, FIRST)
        database.close()
    many = multiprocessing.get_context("forkserver")
    barrier, ends = many.Barrier(3), many.Queue()
    processes = [many.Process(target=start_at_once, args=(database_url, barrier, ends)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [ends.get(timeout=10) for _ in processes] == ["", "", ""]


# Whichever programs come, in whatever order

STEPS = (
    PRICES,
    Migration(number=3, name="goods have shops", statements=("ALTER TABLE goods ADD COLUMN shop TEXT",)),
    Migration(number=4, name="shops have names", creates=(Table("shops", MetaData(), Column("name", Text)),)),
)


def described(steps: Sequence[Migration]) -> MetaData:
    columns: list[Column[Any]] = [price(), Column("shop", Text)]
    metadata = goods(*columns[: len(steps)])
    if len(steps) > 2:
        Table("shops", metadata, Column("name", Text))
    return metadata


@settings(max_examples=25)
@given(programs=st.lists(st.integers(0, 3), min_size=1, max_size=6), newest=st.integers(0, 3))
def test_any_order_of_programs_ends_with_the_tables_of_the_newest(
    tmp_path_factory: pytest.TempPathFactory, programs: list[int], newest: int
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('any')}/any.db")
    for number in (*programs, newest):
        bring_up_to_date(database, OWNER, described(STEPS[:number]), STEPS[:number])

    assert differences(database, described(STEPS[: max(*programs, newest)])) == []
    numbers = [number for (number,) in database.run("SELECT number FROM platform_migrations ORDER BY number")]
    assert numbers == list(range(2, 2 + max(*programs, newest)))
    database.close()


# What is done while the process serves

ROWS = 3000


def price_some(database: Database, behind: str, rows: int) -> str | None:
    last = int(behind or 0) + rows
    database.run("UPDATE goods SET price = price + 1 WHERE id > ? AND id <= ?", (int(behind or 0), last))
    return str(last) if last < ROWS else None


ONLINE = Migration(number=2, name="goods get prices", statements=PRICES.statements, online=price_some)


async def test_rows_are_filled_in_while_it_serves_and_after_a_restart(database_url: str) -> None:
    first = Database(database_url)
    bring_up_to_date(first, OWNER, FIRST)
    first.run_many("INSERT INTO goods VALUES (?, 'atlas')", [(number,) for number in range(1, ROWS + 1)])
    bring_up_to_date(first, OWNER, PRICED, [ONLINE])
    first.close()

    for least in (1, ROWS // 10, ROWS):
        async with Parts(database_url, Contract(context=OWNER)) as parts:
            backfill = Backfill(parts.writer, parts.telemetry)
            backfill.add(OWNER, [ONLINE])
            await run_until_priced(parts, backfill, least)

    again = Database(database_url)
    assert again.run("SELECT DISTINCT price FROM goods") == [(1,)]
    assert again.run("SELECT finished_at > 0 FROM platform_migrations WHERE owner = 'shop'") == [(1,)]
    again.close()


async def run_until_priced(parts: Parts, backfill: Backfill, least: int) -> None:
    filling = asyncio.create_task(backfill.run())

    async def priced() -> bool:
        [(count,)] = await parts.rows("SELECT COUNT(*) FROM goods WHERE price > 0")
        [(finished,)] = await parts.rows("SELECT COUNT(*) FROM platform_migrations WHERE finished_at > 0")
        return bool(count >= least and (least < ROWS or finished))

    await eventually(priced)
    filling.cancel()


def test_a_piece_grows_and_shrinks_with_the_time_it_takes() -> None:
    assert fitting(16, LONGEST_PIECE_SECONDS / 10) == 32
    assert fitting(16, LONGEST_PIECE_SECONDS / 3) == 16
    assert fitting(16, LONGEST_PIECE_SECONDS) == 8
    assert fitting(1, 1.0) == 1


# The tables that people have


def platform_tables_of_before(directory: Path) -> MetaData:
    """As the last program without numbers made them, read back from what it left."""
    with tarfile.open(BEFORE) as packed:
        packed.extractall(directory, filter="data")
    engine = create_engine(f"sqlite:///{directory}/ordering.db")
    found = MetaData()
    found.reflect(engine, only=[name for name in inspect(engine).get_table_names() if name != "orders"])
    engine.dispose()
    for table in found.tables.values():
        for column in table.columns:
            column.type = column.type.as_generic()
    return found


def test_tables_of_before_become_those_of_today(
    database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = platform_tables_of_before(tmp_path_factory.mktemp("before"))
    database.create(before)
    database.run("INSERT INTO platform_facts VALUES ('schema', '1')")

    bring_up_to_date(database, PLATFORM, schema.metadata, schema.MIGRATIONS)

    assert differences(database, schema.metadata) == []
    assert database.run("SELECT value FROM platform_facts WHERE name = 'schema'") == [("2",)]
    assert indexes(database) >= {index.name for table in schema.metadata.tables.values() for index in table.indexes}


def indexes(database: Database) -> set[str | None]:
    inspector = inspect(database.connection)
    return {index["name"] for name in schema.metadata.tables for index in inspector.get_indexes(name)}
