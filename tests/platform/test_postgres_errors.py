"""What PostgreSQL says of our statements, value by value: as the server says it, where it can be brought to."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from mallbots_platform import _postgres
from mallbots_platform.database import Database
from mallbots_platform.errors import (
    Collided,
    DatabaseAway,
    DatabaseBusy,
    OutcomeUnknown,
    TookTooLong,
)
from mallbots_platform.meanings import Meaning
from tests.conftest import new_database
from tests.support.databases import opened, told

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


@pytest.fixture
def server(postgres_url: str) -> str:
    return new_database(postgres_url)


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
