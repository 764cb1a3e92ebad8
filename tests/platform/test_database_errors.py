"""What a database says of our statements, value by value: as the servers say it, where they can be brought to."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from mallbots_platform import _postgres, _sqlite
from mallbots_platform._sqlite import SqliteDialect
from mallbots_platform.database import Database
from mallbots_platform.errors import (
    Collided,
    DatabaseAway,
    DatabaseBusy,
    OutcomeUnknown,
    TookTooLong,
    TransactionGone,
)
from mallbots_platform.meanings import Meaning
from tests.conftest import new_database

ERROR_OF = {
    Meaning.SLOW: TookTooLong,
    Meaning.AGAIN: Collided,
    Meaning.BUSY: DatabaseBusy,
    Meaning.AWAY: DatabaseAway,
}
KINDS: tuple[Any, ...] = tuple(kind for kind in vars(psycopg.errors).values() if isinstance(kind, type))
SQLSTATES = sorted({kind.sqlstate for kind in KINDS if isinstance(getattr(kind, "sqlstate", None), str)})
NOT_RAISED = ("00", "01", "02", "03")  # those that are no errors


def meaning_of(sqlstate: str) -> Meaning:
    """As it is to be, said a second time."""
    if sqlstate == "57014":
        return Meaning.SLOW
    if sqlstate in ("40001", "40P01"):
        return Meaning.AGAIN
    if sqlstate == "55P03":
        return Meaning.BUSY
    if sqlstate[:2] in ("08", "53", "58") or sqlstate in (
        *("25006", "40003", "57P01", "57P02", "57P03", "57P04", "57P05"),
    ):
        return Meaning.AWAY
    return Meaning.OWN


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


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def server(postgres_url: str) -> str:
    return new_database(postgres_url)


def told(work: Callable[[], object]) -> BaseException:
    try:
        answer = work()
    except Exception as error:
        return error
    raise AssertionError(f"it answered {answer!r}")


# PostgreSQL


def test_every_code_of_postgresql_means_what_it_should(server: str) -> None:
    """The server raises each of them; our own connection hears it, from the driver and through SQLAlchemy."""
    with opened(server) as database:
        for code in SQLSTATES:
            if code.startswith(NOT_RAISED):
                continue
            raised = f"DO $$ BEGIN RAISE EXCEPTION 'made' USING ERRCODE = '{code}'; END $$"
            kind = ERROR_OF.get(meaning_of(code))
            for ask in (lambda: database.run(raised), lambda: database.execute(text(raised))):  # noqa: B023 # used at once
                error = told(ask)
                assert type(error) is kind if kind else not isinstance(error, DatabaseAway), (code, error)

    assert len(SQLSTATES) > 200


def test_the_table_says_no_more_than_is_tested() -> None:
    table = {code: _postgres.BY_CODE.get(code) or _postgres.BY_CLASS.get(code[:2], Meaning.OWN) for code in SQLSTATES}

    assert table == {code: meaning_of(code) for code in SQLSTATES}
    assert {code: _sqlite.BY_CODE.get(code, Meaning.OWN) for code in RESULT_CODES} == RESULT_CODES


def kill(of: Database, by: Database) -> None:
    [(pid,)] = of.run("SELECT pg_backend_pid()")
    by.run("SELECT pg_terminate_backend(?)", (pid,))
    time.sleep(0.1)


def test_a_connection_that_is_ended_is_an_outage_whatever_is_said(server: str) -> None:
    with opened(server) as database, opened(server) as other:
        for limit in ("idle_in_transaction_session_timeout", "idle_session_timeout"):
            database.begin("BEGIN") if "transaction" in limit else None
            database.run(f"SET {limit} = '10ms'")
            time.sleep(0.2)
            assert type(told(lambda: database.run("SELECT 1"))) is DatabaseAway
            database.undo()

        database.begin("BEGIN")
        kill(database, other)

        assert "57P01 terminating connection" in str(told(lambda: database.run("SELECT 1")))
        assert type(told(lambda: database.run("SELECT 1"))) is DatabaseAway  # and not on a connection of its own
        assert type(told(lambda: database.execute(text("SELECT 1")))) is DatabaseAway
        assert type(told(database.commit)) is DatabaseAway
        database.undo()
        assert database.run("SELECT 1") == [(1,)]


def test_a_transaction_finds_its_connection_broken_and_takes_another(server: str) -> None:
    with opened(server) as database, opened(server) as other:
        kill(database, other)

        database.begin("BEGIN")

        assert database.run("SELECT 1") == [(1,)]


def test_who_writes_where_he_only_reads_is_mistaken(server: str) -> None:
    with opened(server) as database, database.reading():
        error = told(lambda: database.run("CREATE TABLE things (n INT)"))

    assert isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def test_a_server_that_became_read_only_is_left(server: str) -> None:
    with opened(server) as database:
        database.run("SET default_transaction_read_only = on")
        database.begin("BEGIN")
        error = told(lambda: database.run("CREATE TABLE things (n INT)"))
        database.undo()

        assert type(error) is DatabaseAway and "25006" in str(error)
        assert database.run("CREATE TABLE things (n INT)") == []  # on another connection, which may


def test_a_lock_that_is_not_to_be_had_is_nobodys_fault(server: str) -> None:
    with opened(server) as database, opened(server) as holder:
        database.run("CREATE TABLE things (n INT PRIMARY KEY)")
        holder.begin("BEGIN")
        holder.run("LOCK TABLE things")
        database.run("SET lock_timeout = '20ms'")
        database.begin("BEGIN")
        database.do("SAVEPOINT piece")

        assert type(told(lambda: database.run("SELECT * FROM things"))) is DatabaseBusy
        database.go_back("piece")
        assert database.run("SELECT 1") == [(1,)]
        holder.undo()


def test_of_two_that_wait_for_each_other_one_begins_anew(server: str) -> None:
    is_holding = threading.Event()

    def hold_two_and_want_one() -> None:
        with opened(server) as other:
            other.begin("BEGIN")
            other.run("UPDATE things SET n = n WHERE n = 2")
            is_holding.set()
            other.run("UPDATE things SET n = n WHERE n = 1")
            other.undo()

    with opened(server) as database:
        database.run("CREATE TABLE things (n INT PRIMARY KEY)")
        database.run("INSERT INTO things VALUES (1), (2)")
        database.begin("BEGIN")
        database.run("SET LOCAL deadlock_timeout = '300ms'")  # the other one's is a second
        database.run("UPDATE things SET n = n WHERE n = 1")
        thread = threading.Thread(target=hold_two_and_want_one)
        thread.start()
        is_holding.wait(5)

        error = told(lambda: database.run("UPDATE things SET n = n WHERE n = 2"))
        database.undo()
        thread.join()

    assert type(error) is Collided and "40P01" in str(error)


def test_who_saw_an_older_state_begins_anew(server: str) -> None:
    with opened(server) as database, opened(server) as other:
        database.run("CREATE TABLE things (n INT)")
        database.run("INSERT INTO things VALUES (1)")
        database.begin("BEGIN ISOLATION LEVEL SERIALIZABLE")
        database.run("SELECT n FROM things")
        other.run("UPDATE things SET n = 2")

        error = told(lambda: database.run("UPDATE things SET n = 3"))
        database.undo()

    assert type(error) is Collided and "40001" in str(error)


def test_a_statement_that_takes_too_long_is_the_pieces_own(server: str) -> None:
    with opened(server) as database:
        database.run("SET statement_timeout = '20ms'")

        error = told(lambda: database.run("SELECT pg_sleep(1)"))

        assert type(error) is TookTooLong and not database.is_outage(error)
        assert database.run("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (lambda url: url.replace("/context_", "/nowhere_"), False),
        (lambda url: url.replace("mall@", "nobody@"), False),
        (lambda url: "postgresql://mall@127.0.0.1:1/mall", False),
        (lambda url: url.replace("mall@", "only_one@"), True),
    ],
    ids=["no such database", "no such user", "nobody listens", "too many connections"],
)
def test_what_cannot_be_reached_is_away(server: str, change: Callable[[str], str], passes: bool) -> None:
    with opened(server) as database:
        database.run("DO $$ BEGIN CREATE ROLE only_one LOGIN CONNECTION LIMIT 0; EXCEPTION WHEN OTHERS THEN END $$")
    with opened(change(server)) as database:
        error = told(lambda: database.run("SELECT 1"))

    assert type(error) is DatabaseAway and error.passes is passes, error


def test_a_server_that_is_about_to_be_there_is_waited_for(server: str) -> None:
    with opened(server) as admin, opened(server.replace("mall@", "later@")) as database:
        admin.run("DO $$ BEGIN CREATE ROLE later LOGIN; EXCEPTION WHEN OTHERS THEN END $$")
        admin.run("ALTER ROLE later CONNECTION LIMIT 0")
        began = time.monotonic()

        def ask() -> None:
            if time.monotonic() - began > 0.2:
                admin.run("ALTER ROLE later CONNECTION LIMIT 5")
            database.do("SELECT 1")

        database.patiently(ask)

    assert time.monotonic() - began > 0.2


def test_a_commit_whose_answer_is_lost_is_an_open_question(server: str) -> None:
    with opened(server) as database, opened(server) as other:
        database.begin("BEGIN")
        kill(database, other)

        assert type(told(database.commit)) is OutcomeUnknown


def test_a_commit_that_is_refused_is_none(server: str) -> None:
    with opened(server) as database:
        database.run("CREATE TABLE things (n INT UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        database.begin("BEGIN")
        database.run("INSERT INTO things VALUES (1), (1)")
        refused = told(database.commit)
        database.undo()

        database.begin("BEGIN")
        told(lambda: database.run("SELECT nothing"))
        swallowed = told(database.commit)
        database.undo()

    assert isinstance(refused, psycopg.errors.UniqueViolation)
    assert "one of its statements had failed" in str(swallowed)


# SQLite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "context.db"


@pytest.mark.parametrize("code", RESULT_CODES, ids=lambda code: f"{code}")
@pytest.mark.parametrize("extended", [0, 1, 7])
def test_every_code_of_sqlite_means_what_it_should(code: int, extended: int) -> None:
    error = sqlite3.OperationalError("whatever it says: locked, full, disk I/O error")
    error.sqlite_errorcode = code | extended << 8

    assert SqliteDialect().meaning(error, None) is RESULT_CODES[code]


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


# Both


def test_what_a_piece_makes_up_is_no_outage(database_url: str) -> None:
    made: list[Any] = [sqlite3.OperationalError("database is locked"), psycopg.OperationalError("connection lost")]

    with opened(database_url) as database:
        assert [database.is_outage(error) for error in made] == [False, False]
        assert database.is_outage(DatabaseAway("so said our own connection"))
