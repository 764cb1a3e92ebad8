"""What loses its connection to the database each time it is tried: found out, counted, and no hindrance to others."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform.clock import now
from mallbots_platform.errors import DatabaseAway, Unavailable
from mallbots_platform.handling import Received
from mallbots_platform.messages import Contract, command
from mallbots_platform.suspects import MOST, UNDONE_ALONE, LosesConnection, Suspects
from telemetry.metrics import Meter
from tests.platform.test_interleavings import FAILURES, KEYS, STREAM, Consumer, consumer, entry
from tests.support.lost_connections import lose_transaction
from tests.support.parts import Parts
from tests.support.posts import Letter, Post, open_post
from tests.support.world import Running, World, eventually

LOST = DatabaseAway("the connection is lost")


class Losing:
    """A handler that loses the connection at one text, each time, or so many times."""

    def __init__(self, text: str = "bad", times: int = 1000) -> None:
        self.text = text
        self.left = times
        self.tried = 0
        self.listener: Running

    def __call__(self, text: str) -> None:
        if text == self.text and self.left:
            self.tried += 1
            self.left -= 1
            lose_transaction(self.listener.process.database)


async def start(world: World, url: str, losing: Losing, **settings: Any) -> tuple[Running, Running]:
    world.databases["listener"] = url
    teller = await world.teller()
    losing.listener = await world.listener(losing, **settings)
    return teller, losing.listener


async def test_others_flow_past_one_that_loses_its_connection(world: World, database_url: str) -> None:
    losing = Losing()
    teller, listener = await start(world, database_url, losing, retry_attempts=2)

    await teller.say("bad", key="b")
    await teller.say("before", "behind", key="a")
    await teller.say("behind bad", key="b")

    assert await listener.until(lambda heard: sorted(heard) == ["before", "behind"])
    assert await eventually(lambda: is_dead(listener), seconds=20)
    assert losing.tried == UNDONE_ALONE + 2  # so often until it is blamed for the first time, and once more
    assert listener.measured("mallbots_attempts_blamed_total", group="listener") == 2
    assert await eventually(lambda: not listener.process.troubles)


async def is_dead(listener: Running) -> bool:
    rows = await listener.rows("SELECT state, attempts, error FROM parked WHERE state <> 'queued'")
    return [row[:2] for row in rows] == [("dead", 2)] and "undone" in rows[0][2]


async def test_a_victim_is_blamed_for_nothing(world: World, database_url: str) -> None:
    losing = Losing("one", times=UNDONE_ALONE)
    teller, listener = await start(world, database_url, losing, retry_attempts=1)

    await teller.say("one", "two")

    assert await listener.hears("one", "two")
    assert await listener.rows("SELECT attempts, outcome FROM deliveries") == [(1, "applied"), (1, "applied")]
    assert listener.measured("mallbots_attempts_undone_total", group="listener") == UNDONE_ALONE


async def test_calls_are_carried_out_beside_it(world: World, database_url: str) -> None:
    losing = Losing()
    teller, listener = await start(world, database_url, losing, retry_attempts=1)
    process = listener.process

    await teller.say("bad")
    for number in range(30):
        await process.change(lambda: process.database.run("INSERT INTO heard (text) VALUES (?)", (f"{number}",)))  # noqa: B023 # awaited at once

    assert await listener.until(lambda heard: len(heard) == 30)


async def test_a_handler_that_wants_to_end_the_thread_has_failed(world: World) -> None:
    def leaves(text: str) -> None:
        if text == "bad":
            raise SystemExit(3)

    teller, listener = await world.teller(), await world.listener(leaves, retry_attempts=2)

    await teller.say("bad", key="b")
    await teller.say("good", key="a")

    assert await listener.hears("good")
    assert await eventually(lambda: listener.rows("SELECT 1 FROM parked WHERE state = 'dead'"))


# Timers and jobs


@command
class Wake:
    name: str


async def test_a_timer_that_loses_its_connection_holds_up_no_other(database_url: str) -> None:
    woken: list[str] = []

    def wake(timer: Wake) -> None:
        if timer.name == "bad":
            lose_transaction(parts.database)
        woken.append(timer.name)

    async with Parts(database_url, Contract(context="sleepers", commands=(Wake,))) as parts:
        parts.timers.handle({Wake: wake})
        for name in ("bad", "good"):
            await parts.change(lambda: parts.timers.set(Wake(name=name), name, now() - timedelta(seconds=1)))  # noqa: B023 # awaited at once
        running = asyncio.ensure_future(parts.timers.run())
        try:
            assert await eventually(lambda: woken == ["good"], seconds=20)
            assert await eventually(lambda: has_failed(parts))
        finally:
            running.cancel()


async def has_failed(parts: Parts) -> bool:
    rows = await parts.rows("SELECT attempts, error FROM timers")
    return any(attempts and "undone" in error for attempts, error in rows)


async def test_what_a_job_leads_to_is_not_tried_for_ever(world: World, database_url: str) -> None:
    async def deliver(letter: Letter) -> object:
        return partial(lose_transaction, post.process.database) if letter.to == "bad" else None

    world.databases["post"] = database_url
    post = await open_post(world, deliver, workers=1, retry_attempts=1)

    await post.put("bad", "good")

    assert await post.does("good")
    assert await eventually(lambda: has_set_aside(post, "bad"), seconds=20)


async def test_a_service_that_is_away_fails_what_a_job_leads_to(world: World) -> None:
    async def deliver(letter: Letter) -> object:
        return partial(is_away, letter) if letter.to == "bad" else None

    post = await open_post(world, deliver, workers=1, retry_attempts=1)

    await post.put("bad", "good")

    assert await post.does("good")
    assert await eventually(lambda: has_set_aside(post, "bad"))


async def has_set_aside(post: Post, name: str) -> bool:
    return [key for key, _, _ in await post.parked()] == [name]


def is_away(letter: Letter) -> None:
    raise Unavailable("the bank is away")


# By itself


def suspects() -> Suspects:
    return Suspects("group", Meter("test"))


def test_one_is_blamed_after_a_few_more_attempts_alone() -> None:
    found, verdicts = suspects(), []
    for _ in range(UNDONE_ALONE + 4):
        verdicts.append(found.verdict("it"))
        if verdicts[-1] is None:
            found.accuse(LOST, "it")

    assert [verdict is not None for verdict in verdicts] == [False] * (UNDONE_ALONE + 1) + [True, False, True]
    assert isinstance(verdicts[-1], LosesConnection) and verdicts[-1].__cause__ is LOST


def test_who_was_acquitted_starts_anew() -> None:
    found = suspects()
    for _ in range(UNDONE_ALONE):
        found.accuse(LOST, "it")
    found.acquit("it")
    found.accuse(LOST, "it")

    assert found.verdict("it") is None
    assert list(found.apart([1, 2], [("other",), ("another",)])) == [[1, 2]]


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    found = suspects()
    for number in range(MOST + 10):
        found.accuse(LOST, number)

    assert len(found._undone) == len(found._last) == MOST


@given(names=st.lists(st.integers(0, 20), unique=True), accused=st.sets(st.integers(0, 20)))
def test_suspects_are_alone_and_nothing_changes_its_place(names: list[int], accused: set[int]) -> None:
    found = suspects()
    for name in accused:
        found.accuse(LOST, name)

    parts = list(found.apart(names, [(name,) for name in names]))

    assert [name for part in parts for name in part] == names
    assert all(len(part) == 1 for part in parts if accused & {*part})
    assert all(part for part in parts) or not accused


# With everything else that may happen to deliveries


class Unlucky(Consumer):
    """Loses its transaction in the handler of some messages, so many times."""

    losses: dict[int, int] = {}  # noqa: RUF012 # each run has its own

    def add(self, message: Any, envelope: Any) -> None:
        if self.losses.get(message.number, 0) > 0:
            self.losses[message.number] -= 1
            lose_transaction(self.database)
        super().add(message, envelope)

    def deliver(self, entries: list[Received]) -> None:
        for together in self.inbox.apart(STREAM, entries):
            super().deliver(together)


@settings(max_examples=30)
@given(keys=KEYS, failures=FAILURES, losses=st.dictionaries(st.integers(1, 12), st.integers(1, 9), max_size=4))
def test_whoever_loses_connections_ends_as_a_clean_pass(
    keys: list[str], failures: dict[int, int], losses: dict[int, int]
) -> None:
    entries = [entry(number, key) for number, key in enumerate(keys, 1)]
    with consumer({}) as clean, consumer(failures) as tried:
        clean.deliver(entries)
        tried.__class__, tried.losses = Unlucky, dict(losses)  # type: ignore[attr-defined] # it becomes one
        for _ in range(20 * len(entries)):
            tried.deliver(entries)
            tried.retry()

        assert tried.state() == clean.state()
        assert tried.order_per_key(keys) == clean.order_per_key(keys)
        attempts = tried.database.run("SELECT seq, attempts FROM deliveries")
        assert {seq for seq, number in attempts if number > 1} <= {*failures} | {*losses}
