"""The writer: one transaction a group, a savepoint a piece, every piece answered."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, Text, insert

from mallbots_platform.causes import Cause
from mallbots_platform.database import Database
from mallbots_platform.errors import Conflict, DatabaseAway, Unavailable
from mallbots_platform.writer import CONFLICT_RETRIES, Writer
from tests.support.databases import open_writer
from tests.support.lost_connections import lose_transaction, together

metadata = MetaData()
notes = Table("notes", metadata, Column("text", Text, primary_key=True))


def with_notes(url: str) -> AbstractAsyncContextManager[Writer]:
    return open_writer(url, lambda database: database.create(metadata))


def write(writer: Writer, text: str) -> str:
    writer.database.run("INSERT INTO notes (text) VALUES (?)", (text,))
    return text


def written(url: str) -> list[str]:
    database = Database(url)
    try:
        return [text for (text,) in database.run("SELECT text FROM notes ORDER BY text")]
    finally:
        database.close()


async def test_what_is_answered_is_committed(database_url: str) -> None:
    async with with_notes(database_url) as writer:
        answer = await writer.run(lambda: write(writer, "one"))

        assert answer == "one"
        assert written(database_url) == ["one"]


async def test_a_failing_piece_takes_nothing_with_it(database_url: str) -> None:
    def fails_half_way(writer: Writer) -> None:
        write(writer, "half")
        raise ValueError("no")

    async with with_notes(database_url) as writer:
        answers = await asyncio.gather(
            writer.run(lambda: write(writer, "before")),
            writer.run(lambda: fails_half_way(writer)),
            writer.run(lambda: write(writer, "behind")),
            return_exceptions=True,
        )

    assert [str(answer) for answer in answers] == ["before", "no", "behind"]
    assert written(database_url) == ["before", "behind"]


async def test_what_is_queued_shares_a_commit(database_url: str) -> None:
    commits: list[int] = []
    async with with_notes(database_url) as writer:
        writer.before_commit(lambda: commits.append(1))

        await asyncio.gather(*(writer.run(lambda n=n: write(writer, f"{n:03}")) for n in range(100)))  # type: ignore[misc] # a default binds n

    assert len(written(database_url)) == 100
    assert len(commits) < 20


async def test_a_conflict_is_tried_again_from_a_fresh_load(database_url: str) -> None:
    tries: list[str] = []

    def moves_twice(writer: Writer) -> str:
        tries.append("try")
        write(writer, f"try {len(tries)}")
        if len(tries) < 3:
            raise Conflict("moved on")
        return "done"

    async with with_notes(database_url) as writer:
        assert await writer.run(lambda: moves_twice(writer)) == "done"

    assert written(database_url) == ["try 3"]


async def test_a_conflict_that_stays_is_told(database_url: str) -> None:
    tries: list[str] = []

    def always_moves() -> None:
        tries.append("try")
        raise Conflict("moved on")

    async with with_notes(database_url) as writer:
        with pytest.raises(Conflict, match="moved on"):
            await writer.run(always_moves)

    assert len(tries) == 1 + CONFLICT_RETRIES


async def test_a_piece_knows_its_cause(database_url: str) -> None:
    async with with_notes(database_url) as writer:
        cause = Cause("because", "conversation")

        known = await writer.run(lambda: writer.cause, cause)

    assert known == cause


async def test_steps_after_a_commit_run_only_for_what_was_kept(database_url: str) -> None:
    steps: list[str] = []

    def promises(writer: Writer, text: str, *, fails: bool) -> None:
        writer.after_commit(lambda: steps.append(text))
        if fails:
            raise ValueError(text)

    async with with_notes(database_url) as writer:
        await asyncio.gather(
            writer.run(lambda: promises(writer, "kept", fails=False)),
            writer.run(lambda: promises(writer, "undone", fails=True)),
            return_exceptions=True,
        )

    assert steps == ["kept"]


async def test_a_writer_that_stops_finishes_what_is_queued(database_url: str) -> None:
    async with with_notes(database_url) as writer:
        pieces = [asyncio.ensure_future(writer.run(lambda n=n: write(writer, str(n)))) for n in range(5)]  # type: ignore[misc] # a default binds n
        await asyncio.sleep(0)

        await writer.stop()
        with pytest.raises(Unavailable, match="shutting down"):
            await writer.run(lambda: write(writer, "too late"))

        assert [await piece for piece in pieces] == ["0", "1", "2", "3", "4"]


async def test_a_mistake_behind_a_commit_ends_the_process(database_url: str) -> None:
    def misbehaves() -> None:
        raise ZeroDivisionError("behind the commit")

    def piece(writer: Writer) -> str:
        writer.after_commit(misbehaves)
        return write(writer, "kept")

    async with with_notes(database_url) as writer:
        watching = asyncio.ensure_future(writer.watch())
        answer = await writer.run(lambda: piece(writer))

        with pytest.raises(ZeroDivisionError):
            await watching
        assert answer == "kept"
        with pytest.raises(Unavailable):
            await writer.run(lambda: write(writer, "nobody writes"))


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "context.db"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


async def test_a_locked_database_is_unavailable(sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform._sqlite.BUSY_MILLISECONDS", 50)
    url = f"sqlite:///{sqlite_file}"
    async with with_notes(url) as writer:
        with locked(sqlite_file), pytest.raises(Unavailable, match="locked"):
            await writer.run(lambda: write(writer, "in vain"))

        assert await writer.run(lambda: write(writer, "later")) == "later"

    assert written(url) == ["later"]


async def test_a_piece_that_loses_the_transaction_harms_no_other(database_url: str) -> None:
    """Its group is undone with it and tried piece by piece; what it does after that may not be committed by itself."""

    def loses(writer: Writer) -> str:
        write(writer, "lost")
        with suppress(DatabaseAway):
            lose_transaction(writer.database)
        return write(writer, "behind the loss")

    async with with_notes(database_url) as writer, together(writer):
        answers = await asyncio.gather(
            writer.run(lambda: write(writer, "before")),
            writer.run(lambda: loses(writer)),
            writer.run(lambda: write(writer, "behind")),
            return_exceptions=True,
        )

    assert [type(answer) for answer in answers] == [str, DatabaseAway, str]
    assert written(database_url) == ["before", "behind"]


async def test_another_service_that_is_away_is_the_trouble_of_one_piece(database_url: str) -> None:
    def bank_away() -> None:
        raise Unavailable("the bank is away")

    async with with_notes(database_url) as writer:
        answers = await asyncio.gather(
            writer.run(lambda: write(writer, "before")),
            writer.run(bank_away),
            writer.run(lambda: write(writer, "behind")),
            return_exceptions=True,
        )

    assert [str(answer) for answer in answers] == ["before", "the bank is away", "behind"]
    assert set(written(database_url)) == {"before", "behind"}


async def test_a_full_disk_leaves_nothing_half_written(sqlite_file: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    async with with_notes(url) as writer:
        await writer.run(lambda: writer.database.run("PRAGMA max_page_count = 20"))

        with pytest.raises(Unavailable, match="full"):
            await writer.run(lambda: [write(writer, f"{n}" * 4000) for n in range(30)])

        await writer.run(lambda: writer.database.run("PRAGMA max_page_count = 100000"))
        assert await writer.run(lambda: write(writer, "again")) == "again"

    assert written(url) == ["again"]


async def test_an_error_in_a_core_statement_is_no_outage(database_url: str) -> None:
    async with with_notes(database_url) as writer:
        await writer.run(lambda: write(writer, "one"))

        def duplicates() -> Any:
            return writer.database.execute(insert(notes).values(text="one"))

        with pytest.raises(Exception, match=r"(?i)unique"):
            await writer.run(duplicates)

        assert await writer.run(lambda: write(writer, "two")) == "two"
