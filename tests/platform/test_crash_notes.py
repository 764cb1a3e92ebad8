"""Who kills the process when it is tried again is counted before, and set aside in the end; who was beside it, not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform import schema
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.database import Database
from tests.support.past_world import Group, Source, key_of

LIMIT = 3


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.create(schema.metadata)
    yield opened
    opened.close()


def test_lives_that_ended_are_counted(database: Database) -> None:
    assert [CrashNotes(database).note("lane", "item") for _ in range(4)] == [0, 1, 2, 3]


def test_one_life_counts_once_however_often_it_tries(database: Database) -> None:
    CrashNotes(database).note("lane", "item")
    life = CrashNotes(database)

    assert [life.note("lane", "item") for _ in range(3)] == [1, 1, 1]


def test_what_is_over_is_forgotten(database: Database) -> None:
    CrashNotes(database).note("lane", "item")
    CrashNotes(database).over([("lane", "item")])

    assert CrashNotes(database).left("lane") == {}
    assert CrashNotes(database).note("lane", "item") == 0


def test_what_is_left_is_left_by_others(database: Database) -> None:
    earlier, life = CrashNotes(database), CrashNotes(database)
    earlier.note("lane", "a")
    earlier.note("other lane", "b")
    life.note("lane", "c")

    assert life.left("lane") == {"a": 1}


@settings(max_examples=25)
@given(messages=st.integers(1, 12), deadly=st.sets(st.integers(1, 12), max_size=2), pending=st.booleans())
def test_only_those_who_kill_are_set_aside(
    tmp_path_factory: pytest.TempPathFactory, messages: int, deadly: set[int], pending: bool
) -> None:
    asyncio.run(check_lives(tmp_path_factory.mktemp("deadly"), messages, deadly, pending))


async def check_lives(directory: Path, messages: int, deadly: set[int], pending: bool) -> None:
    """One life after the other, until one survives."""
    source, url, lives = Source(), f"sqlite:///{directory}/own.db", 0
    for _ in range(messages):
        source.say()
    killers = {number for number in deadly if number <= messages}
    while True:
        async with Group(url, source, deadly, LIMIT) as group:
            lives += 1
            await (group.finds_pending(source.now.messages) if pending else group.catches_up())
            if group.died:
                assert lives <= (LIMIT + 1) * len(killers), "who kills is tried for ever"
                continue
            dead = {seq for (seq,) in await group.parts.rows("SELECT seq FROM parked WHERE state = 'dead'")}
            behind = {seq for (seq,) in await group.parts.rows("SELECT seq FROM parked WHERE state = 'queued'")}
            heard = {seq for (seq,) in await group.parts.rows("SELECT seq FROM heard")}
            break

    numbers = set(range(1, messages + 1))
    assert dead == {first_of(key, killers) for key in map(key_of, killers)}
    assert behind == {number for number in numbers if any(is_behind(number, killer) for killer in dead)}
    assert heard == numbers - dead - behind


def first_of(key: str, killers: set[int]) -> int:
    return min(killer for killer in killers if key_of(killer) == key)


def is_behind(number: int, killer: int) -> bool:
    return number > killer and key_of(number) == key_of(killer)
