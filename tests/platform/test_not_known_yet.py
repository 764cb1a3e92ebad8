"""What a saga's command is about may not be known yet: it is waited for until the time-out, then answered."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.clock import now_us
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import NotFound, RuleViolated
from mallbots_platform.parking import WAITING, ParkedMessage, ParkingLot, RetryPolicy
from mallbots_platform.process import Process, open_process
from mallbots_platform.sagas import Saga, Step
from tests.support.travel import (
    TRAINS,
    TRAVEL,
    BookTrip,
    FailTrip,
    ReleaseSeat,
    ReserveSeat,
    TripBooked,
    TripCancelled,
    TripFailed,
    TripRequested,
    trip_saga,
)
from tests.support.world import Running, World, eventually

LONG, SHORT = 60.0, 4.0
FEW_ATTEMPTS = 3


def by_train(timeout_seconds: float) -> Saga[TripRequested]:
    return replace(
        trip_saga,
        steps=(
            Step(
                "reserve seat",
                to="trains",
                do=lambda facts: ReserveSeat(trip=facts.begun_by.trip),
                undo=lambda facts: ReleaseSeat(trip=facts.begun_by.trip, seat=""),
                timeout_seconds=timeout_seconds,
            ),
        ),
    )


class NoSuchTrip(NotFound):
    """What a participant calls it is its own affair."""


class Journeys(AbstractAsyncContextManager["Journeys"]):
    """`travel` runs the saga, `trains` has heard of a trip or not."""

    def __init__(self, directory: Path, redis: EmbeddedRedis) -> None:
        self.world = World(directory, redis, retry_attempts=FEW_ATTEMPTS)
        self.known: set[str] = set()
        self.asked: list[object] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Journeys":
        await self._stack.enter_async_context(self.world)
        self.trains = await self.world.start(self._trains())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def begin(self, timeout_seconds: float) -> None:
        self.travel = await self.world.start(self._travel(timeout_seconds))
        await self._say(TripRequested(trip="1", traveller="x"))

    async def cancel(self) -> None:
        await self._say(TripCancelled(trip="1"))

    async def restart_trains(self) -> None:
        await self.trains.crash()
        self.trains = await self.world.start(self._trains())

    async def ended(self, seconds: float = 30.0) -> tuple[str, list[str], list[str]]:
        """Its state, what was sent, and what the process went through."""

        async def is_over() -> bool:
            return not await self.travel.rows("SELECT 1 FROM sagas WHERE state IN ('running', 'compensating')")

        await eventually(is_over, seconds)
        [(state,)] = await self.travel.rows("SELECT state FROM sagas")
        sent = await self.travel.rows("SELECT id FROM outbox WHERE channel = 'commands.trains' ORDER BY seq")
        history = await self.travel.rows("SELECT type FROM events ORDER BY version")
        return state, [id for (id,) in sent], [kind.partition(".")[2] for (kind,) in history]

    async def said(self) -> dict[str, Any]:
        rows = await self.travel.rows("SELECT envelope FROM outbox WHERE channel = 'events' ORDER BY committed_at, seq")
        return dict(msgspec.json.decode(rows[-1][0])["data"])

    async def _say(self, message: Any) -> None:
        await self.travel.process.change(lambda: self.travel.process.outbox.record(message, key="1"))

    @asynccontextmanager
    async def _travel(self, timeout_seconds: float) -> AsyncIterator[Process]:
        async with open_process(TRAVEL, self.world.settings_of("travel")) as process:
            record = process.outbox.record
            handlers: dict[type, Callable[[Any], object]] = {
                BookTrip: lambda book: record(TripBooked(trip=book.trip, seat=book.seat), key=book.trip),
                FailTrip: lambda fail: record(TripFailed(trip=fail.trip, reason=fail.reason), key=fail.trip),
            }
            process.orchestrate(by_train(timeout_seconds), handlers, {"trains": TRAINS})
            yield process

    @asynccontextmanager
    async def _trains(self) -> AsyncIterator[Process]:
        async with open_process(TRAINS, self.world.settings_of("trains")) as process:
            process.take_commands("travel", {ReserveSeat: self._reserve, ReleaseSeat: self._release})
            yield process

    def _reserve(self, command: ReserveSeat) -> dict[str, str]:
        self.asked.append(command)
        if command.trip not in self.known:
            raise NotFound("trip", command.trip)
        return {"seat": "7a"}

    def _release(self, command: ReleaseSeat) -> None:
        self.asked.append(command)
        if command.trip not in self.known:
            raise NoSuchTrip("trip", command.trip)
        raise RuleViolated("the train has left")


@pytest.fixture
def journeys(tmp_path: Path, redis_server: EmbeddedRedis) -> Journeys:
    return Journeys(tmp_path, redis_server)


async def parked(trains: Running) -> list[tuple[Any, ...]]:
    return await trains.rows("SELECT state, attempts FROM parked")


async def test_what_becomes_known_in_time_is_done(journeys: Journeys) -> None:
    await journeys.begin(LONG)
    await eventually(lambda: len(journeys.asked) > 2 * FEW_ATTEMPTS)
    assert [state for state, _ in await parked(journeys.trains)] == ["waiting"]

    journeys.known.add("1")

    state, sent, history = await journeys.ended()
    assert (state, sent) == ("completed", ["trip:1:do:reserve-seat:1"])
    assert history == ["Began", "StepSent", "StepDone", "Ended"]
    assert await parked(journeys.trains) == []


async def test_what_stays_unknown_is_answered_at_the_time_out(journeys: Journeys) -> None:
    await journeys.begin(SHORT)

    state, sent, history = await journeys.ended()

    assert (state, sent) == ("failed", ["trip:1:do:reserve-seat:1"])
    assert history == ["Began", "StepSent", "StepRefused", "Ended"]
    assert await journeys.said() == {"trip": "1", "reason": "no trip has the id '1'"}
    assert len(journeys.asked) > FEW_ATTEMPTS
    assert await parked(journeys.trains) == []
    assert await journeys.trains.rows("SELECT outcome FROM deliveries") == [("applied",)]


async def test_it_is_waited_for_over_restarts(journeys: Journeys) -> None:
    await journeys.begin(LONG)
    await eventually(lambda: len(journeys.asked) > FEW_ATTEMPTS)

    await journeys.restart_trains()
    journeys.known.add("1")

    state, sent, _ = await journeys.ended()
    assert (state, sent) == ("completed", ["trip:1:do:reserve-seat:1"])


async def test_to_an_undo_it_means_at_once_that_there_is_nothing(journeys: Journeys) -> None:
    await journeys.begin(SHORT)
    await eventually(lambda: bool(journeys.asked))

    await journeys.cancel()

    state, sent, history = await journeys.ended()
    assert (state, sent) == ("cancelled", ["trip:1:do:reserve-seat:1", "trip:1:undo:reserve-seat:1"])
    assert history[-2:] == ["UndoDone", "Ended"]
    assert journeys.asked.count(ReleaseSeat(trip="1", seat="")) == 1


class Noted:
    """In place of a database: the row of a parked message, as it was last written."""

    def run(self, statement: str, row: tuple[Any, ...]) -> None:
        self.attempts, self.state, self.due_at, *_ = row


@given(tried=st.integers(1, 30), most=st.integers(1, 12), cap=st.floats(0.001, 100), left_us=st.integers(1, 60_000_000))
def test_it_is_never_given_up_before_and_never_tried_later(tried: int, most: int, cap: float, left_us: int) -> None:
    noted: Any = Noted()
    lot = ParkingLot("trains", noted, RetryPolicy(attempts=most, base_seconds=0.2, cap_seconds=cap))
    place = ("trains", "travel", "commands.trains", 0, 1, "m", "trains.ReserveSeat", "1")
    message, until = ParkedMessage(1, *place, WAITING, tried, 0, 0, 0, "", ""), now_us() + left_us

    state = lot.failed(message, "no trip", False, until)

    assert (state, noted.state, noted.attempts) == (WAITING, WAITING, tried + 1)
    assert noted.due_at <= until
