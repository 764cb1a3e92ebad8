"""What SQLite says of our statements, value by value: as it says it, where it can be brought to."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from mallbots_platform import _postgres, _sqlite
from mallbots_platform._sqlite import SqliteDialect
from mallbots_platform.errors import (
    DatabaseAway,
    DatabaseBusy,
    TransactionGone,
)
from mallbots_platform.meanings import Meaning
from tests.support.databases import opened, told

RESULT_CODES = {
    sqlite3.SQLITE_ERROR: Meaning.OWN,
    sqlite3.SQLITE_INTERNAL: Meaning.OWN,
    sqlite3.SQLITE_PERM: Meaning.AWAY,
    sqlite3.SQLITE_ABORT: Meaning.OWN,
    sqlite3.SQLITE_BUSY: Meaning.BUSY,
    sqlite3.SQLITE_LOCKED: Meaning.BUSY,
    sqlite3.SQLITE_NOMEM: Meaning.AWAY,
    sqlite3.SQLITE_READONLY: Meaning.AWAY,
    sqlite3.SQLITE_INTERRUPT: Meaning.OWN,
    sqlite3.SQLITE_IOERR: Meaning.AWAY,
    sqlite3.SQLITE_CORRUPT: Meaning.AWAY,
    sqlite3.SQLITE_NOTFOUND: Meaning.OWN,
    sqlite3.SQLITE_FULL: Meaning.AWAY,
    sqlite3.SQLITE_CANTOPEN: Meaning.AWAY,
    sqlite3.SQLITE_PROTOCOL: Meaning.AWAY,
    sqlite3.SQLITE_EMPTY: Meaning.OWN,
    sqlite3.SQLITE_SCHEMA: Meaning.OWN,
    sqlite3.SQLITE_TOOBIG: Meaning.OWN,
    sqlite3.SQLITE_CONSTRAINT: Meaning.OWN,
    sqlite3.SQLITE_MISMATCH: Meaning.OWN,
    sqlite3.SQLITE_MISUSE: Meaning.OWN,
    sqlite3.SQLITE_NOLFS: Meaning.OWN,
    sqlite3.SQLITE_AUTH: Meaning.OWN,
    sqlite3.SQLITE_FORMAT: Meaning.OWN,
    sqlite3.SQLITE_RANGE: Meaning.OWN,
    sqlite3.SQLITE_NOTADB: Meaning.AWAY,
    sqlite3.SQLITE_NOTICE: Meaning.OWN,
    sqlite3.SQLITE_WARNING: Meaning.OWN,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "context.db"


@pytest.mark.parametrize("code", RESULT_CODES, ids=lambda code: f"{code}")
@pytest.mark.parametrize("extended", [0, 1, 7])
def test_every_code_of_sqlite_means_what_it_should(code: int, extended: int) -> None:
    error = sqlite3.OperationalError("whatever it says: locked, full, disk I/O error")
    error.sqlite_errorcode = code | extended << 8

    assert SqliteDialect().meaning(error, None) is RESULT_CODES[code]


def test_the_table_says_no_more_than_is_tested() -> None:
    assert {code: _sqlite.BY_CODE.get(code, Meaning.OWN) for code in RESULT_CODES} == RESULT_CODES


def test_words_of_somebody_else_are_none_of_the_database() -> None:
    """An error that no connection of ours has told, such as one that is made by hand, or comes from elsewhere."""
    assert SqliteDialect().meaning(sqlite3.OperationalError("database is locked"), None) is Meaning.OWN
    assert _postgres.PostgresDialect().meaning(ValueError("connection closed"), None) is Meaning.OWN


def test_what_sqlite_cannot_do_is_told_by_its_code(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sqlite, "BUSY_MILLISECONDS", 20)
    with opened(f"sqlite:///{file}") as database, opened(f"sqlite:///{file}") as other:
        database.run("CREATE TABLE things (n INTEGER PRIMARY KEY, much BLOB)")
        other.begin("BEGIN IMMEDIATE")
        busy = told(lambda: database.begin("BEGIN IMMEDIATE"))
        other.undo()
        database.run("PRAGMA max_page_count = 3")
        full = told(lambda: database.run("INSERT INTO things (much) VALUES (zeroblob(1000000))"))
        database.run("PRAGMA query_only = ON")
        only_read = told(lambda: database.run("INSERT INTO things (n) VALUES (1)"))
        mistaken = told(lambda: database.run("SELECT nothing"))
        database.run("INSERT INTO things (n) VALUES (1)")
        twice = told(lambda: database.run("INSERT INTO things (n) VALUES (1)"))

    assert [type(error) for error in (busy, full, only_read)] == [DatabaseBusy, DatabaseAway, DatabaseAway]
    assert ["SQLITE_BUSY" in str(busy), "SQLITE_FULL" in str(full), "SQLITE_READONLY" in str(only_read)] == [True] * 3
    assert isinstance(mistaken, sqlite3.OperationalError) and isinstance(twice, sqlite3.IntegrityError)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 100), "SQLITE_NOTADB"),
        (lambda file: overwrite(file, 4096, 300_000), "SQLITE_CORRUPT"),
        (lambda file: file.unlink() or file.mkdir(), "SQLITE_CANTOPEN"),
    ],
    ids=["no database", "in pieces", "a directory"],
)
def test_a_file_that_is_spoilt_is_an_outage(file: Path, spoil: Callable[[Path], object], named: str) -> None:
    with opened(f"sqlite:///{file}") as database:
        database.run("PRAGMA journal_mode = DELETE")
        database.run("CREATE TABLE things (n INTEGER PRIMARY KEY, much TEXT)")
        database.begin("BEGIN")
        database.run_many("INSERT INTO things (much) VALUES (?)", [("x" * 1000,)] * 400)
        database.commit()
    spoil(file)
    with opened(f"sqlite:///{file}") as database:
        found = [told(lambda: database.run("SELECT * FROM things"))]
        found.append(told(lambda: list(database.execute(text("SELECT * FROM things")))))

    assert [type(error) for error in found] == [DatabaseAway] * 2
    assert named in str(found[0])


def overwrite(file: Path, start: int, end: int) -> None:
    with file.open("r+b") as opened_file:
        opened_file.seek(start)
        opened_file.write(b"\xff" * (end - start))


def test_where_sqlite_undoes_everything_nothing_goes_on(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        database.run("CREATE TABLE things (n INTEGER UNIQUE ON CONFLICT ROLLBACK)")
        database.begin("BEGIN IMMEDIATE")
        database.run("INSERT INTO things VALUES (1)")
        database.do("SAVEPOINT piece")

        assert isinstance(told(lambda: database.run("INSERT INTO things VALUES (1)")), sqlite3.IntegrityError)
        assert type(told(lambda: database.go_back("piece"))) is TransactionGone
        database.undo()
        assert database.run("SELECT * FROM things") == []


def test_only_what_is_there_twice_is_a_duplicate(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        database.run("CREATE TABLE things (n INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> ''))")
        database.run("INSERT INTO things VALUES (1, 'a')")
        rows = ((1, "b"), (2, None), (3, ""))
        errors = [told(partial(database.run, "INSERT INTO things VALUES (?, ?)", row)) for row in rows]

        assert [database.is_duplicate(error) for error in errors] == [True, False, False]


def test_what_a_piece_makes_up_is_no_outage(database_url: str) -> None:
    made: list[Any] = [sqlite3.OperationalError("database is locked"), psycopg.OperationalError("connection lost")]

    with opened(database_url) as database:
        assert [database.is_outage(error) for error in made] == [False, False]
        assert database.is_outage(DatabaseAway("so said our own connection"))
