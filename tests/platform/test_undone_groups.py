"""Pieces that share a commit, whatever some of them do to it: who was answered has what he asked for, and no other.

Any sequence of pieces goes into one group of a real writer, on both databases; some of them fail in their own way, lose
the connection, collide, or lose the answer of their COMMIT.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table

from mallbots_platform.database import Database
from mallbots_platform.errors import Collided, Conflict, DatabaseAway, OutcomeUnknown
from mallbots_platform.writer import Writer
from tests.support.databases import open_writer
from tests.support.lost_connections import lose_transaction, together

metadata = MetaData()
effects = Table("effects", metadata, Column("piece", Integer, nullable=False))
twice = Table("things", metadata, Column("n", Integer, primary_key=True))

HARMLESS = ("works", "reads")
OWN = ("fails", "mistakes", "swallows", "exits", "stops", "makes up", "conflicts")
LOSES = ("loses", "loses and goes on", "loses and says so in its own way", "undoes", "defers")
COLLIDES = ("collides once", "collides always")
UNCLEAR = ("commit is lost before", "commit is lost after", "commits by itself")
KINDS = (*HARMLESS, *OWN, *LOSES, *COLLIDES, *UNCLEAR)


@dataclass
class Told:
    number: int
    kind: str
    answer: object

    @property
    def is_kept(self) -> bool:
        return self.answer == self.number

    @property
    def is_unknown(self) -> bool:
        return isinstance(self.answer, OutcomeUnknown)


class Group:
    """The pieces of one run; `lose` makes the next COMMIT of the writer's connection come to nothing, or seem so."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.database = writer.database
        self.tried: dict[int, int] = {}

    def work(self, number: int, kind: str) -> int:
        self.tried[number] = self.tried.get(number, 0) + 1
        self.database.run("INSERT INTO effects VALUES (?)", (number,))
        self._do(kind, number)
        return number

    def _do(self, kind: str, number: int) -> None:
        deeds: dict[str, Callable[[], object]] = {
            "reads": lambda: self.database.run("SELECT * FROM effects"),
            "fails": partial(_raise, ValueError("no")),
            "mistakes": lambda: self.database.run("SELECT nothing FROM nowhere"),
            "swallows": partial(self._swallow, "SELECT nothing FROM nowhere"),
            "exits": partial(_raise, SystemExit(3)),
            "stops": partial(_raise, StopIteration()),
            "makes up": partial(_raise, made_up(self.database)),
            "conflicts": partial(_raise, Conflict("moved on")),
            "loses": partial(lose_transaction, self.database),
            "loses and goes on": self._lose_and_go_on,
            "loses and says so in its own way": self._lose_and_say_so,
            "undoes": partial(_raise, DatabaseAway("so it says")),
            "defers": self._defer,
            "collides once": lambda: _raise(Collided("again")) if self.tried[number] < 3 else None,
            "collides always": partial(_raise, Collided("again")),
            "commits by itself": lambda: self.database.do("COMMIT"),
            "commit is lost before": partial(lose_commit, self.database, False),
            "commit is lost after": partial(lose_commit, self.database, True),
        }
        deeds.get(kind, lambda: None)()

    def _swallow(self, statement: str) -> None:
        with suppress(Exception):
            self.database.run(statement)
        if self.database.kind == "sqlite":
            raise ValueError("SQLite goes on where PostgreSQL does not")

    def _lose_and_go_on(self) -> None:
        with suppress(DatabaseAway):
            lose_transaction(self.database)
        with suppress(DatabaseAway):
            self.database.run("INSERT INTO effects VALUES (-1)")

    def _lose_and_say_so(self) -> None:
        try:
            lose_transaction(self.database)
        except DatabaseAway as error:
            raise KeyError("lost") from error

    def _defer(self) -> None:
        """What only COMMIT finds out, on PostgreSQL; SQLite undoes all of it at once."""
        if self.database.kind == "sqlite":
            self.database.run("INSERT OR ROLLBACK INTO things VALUES (1), (1)")
        else:
            self.database.run("INSERT INTO deferred VALUES (1), (1)")


def made_up(database: Database) -> Exception:
    """As a driver would say it, of some other connection."""
    if database.kind == "sqlite":
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        return error
    return psycopg.errors.AdminShutdown("terminating connection due to administrator command")


def _raise(error: BaseException) -> None:
    raise error


def lose_commit(database: Database, takes_place: bool) -> None:
    """The next COMMIT is not answered; whether it takes place, only the server knows."""
    session = database._session()
    real, session.cursor = session.cursor, LosingCursor(session.cursor, session.raw, takes_place)
    assert real is not session.cursor


class LosingCursor:
    def __init__(self, cursor: Any, raw: Any, takes_place: bool) -> None:
        self._cursor = cursor
        self._raw = raw
        self._takes_place = takes_place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, statement: str, *parameters: Any) -> object:
        if statement != "COMMIT":
            return self._cursor.execute(statement, *parameters)
        self._cursor.execute("COMMIT" if self._takes_place else "ROLLBACK")
        if hasattr(self._raw, "pgconn"):
            self._raw.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error


def prepare(database: Database) -> None:
    database.create(metadata)
    if database.kind == "postgresql":
        database.run("CREATE TABLE IF NOT EXISTS deferred (n INT UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    else:
        database.run("PRAGMA synchronous = OFF")
    database.run("DELETE FROM effects")


async def carry_out(url: str, kinds: list[str]) -> tuple[list[Told], list[int]]:
    """What each was told, and what is there afterwards."""
    async with open_writer(url, prepare) as writer:
        group = Group(writer)
        async with together(writer):
            answers = await asyncio.gather(
                *(writer.run(partial(group.work, number, kind)) for number, kind in enumerate(kinds)),
                return_exceptions=True,
            )
        assert await writer.run(lambda: "still there") == "still there"
        rows = await writer.run(lambda: writer.database.run("SELECT piece FROM effects ORDER BY piece"))
    told = [Told(number, kind, answer) for (number, kind), answer in zip(enumerate(kinds), answers, strict=True)]
    return told, [number for (number,) in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_a_piece_is_the_trouble_of_nobody_else(database_url: str, kind: str) -> None:
    told, there = asyncio.run(carry_out(database_url, ["works", kind, "works"]))

    check(told, there)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6))
def test_any_group_leaves_what_was_answered(database_url: str, kinds: list[str]) -> None:
    told, there = asyncio.run(carry_out(database_url, kinds))

    check(told, there)


def check(told: list[Told], there: list[int]) -> None:
    kept = {each.number for each in told if each.is_kept}
    unclear = {each.number for each in told if each.is_unknown}
    assert len(there) == len(set(there)), "something took place twice"
    assert kept <= set(there) <= kept | unclear, (kept, unclear, there)
    has_lost_commit = any(each.kind in UNCLEAR for each in told)
    for each in told:
        if each.kind in HARMLESS or each.kind == "collides once":
            assert each.is_kept or (has_lost_commit and each.is_unknown), each
        elif each.kind in OWN or each.kind == "defers":
            assert (isinstance(each.answer, Exception) and not isinstance(each.answer, DatabaseAway)) or (
                each.is_unknown and has_lost_commit
            ), each
        elif each.kind in (*LOSES, *COLLIDES):
            assert isinstance(each.answer, DatabaseAway), each
        else:
            assert each.is_unknown, each
