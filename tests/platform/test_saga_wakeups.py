"""A saga has a next wake-up, or it has ended: also where its last command is refused, or an undo of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from mallbots_platform.errors import InvalidInput, NotFound, RuleViolated
from mallbots_platform.saga_wakeups import wake_up
from mallbots_platform.sagas import Saga, Step
from mallbots_platform.timers_aside import AT_NO_TIME
from tests.support.parts import KINDS, empty_database
from tests.support.travel import TRAVEL, Agency, ChargeCard, TripCancelled, TripRequested, trip_saga

REFUSALS = (RuleViolated("the trip is closed"), NotFound("trip", "1"), InvalidInput("trip", "is wrong"))
only_paid = replace(  # nothing to be undone, so that a time-out leads straight to its end
    trip_saga,
    steps=(Step("charge card", to="bank", do=lambda facts: ChargeCard(trip=facts.begun_by.trip), attempts=1),),
)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def agency(database_url: str) -> Agency:
    return Agency(database_url)


@pytest.fixture
def paying(database_url: str) -> Agency:
    return Agency(database_url, saga=only_paid)


class Refusing:
    """Stands before a command that the saga ends with."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.error:
            raise self.error


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
async def test_refused_at_its_end_by_a_timer_it_is_tried_again(paying: Agency, refusal: Exception) -> None:
    paying.before_failing = refusing = Refusing(refusal)
    await paying.request()
    await paying.time_passes()
    assert (await paying.state(), await paying.asleep()) == (("compensating", "charge card"), [])
    assert await paying.parts.rows("SELECT refusal FROM sagas") == [(str(refusal),)]
    await paying.time_passes()
    assert (refusing.asked, await paying.asleep()) == (2, [])

    refusing.error = None
    await paying.time_passes()

    assert await paying.state() == ("failed", "charge card")
    assert [name for name, _ in await paying.said()] == ["TripRequested", "TripFailed"]
    assert await paying.parts.rows("SELECT refusal FROM sagas") == [("",)]


async def test_refused_at_its_end_it_fails_and_undoes(agency: Agency) -> None:
    agency.before_booking = Refusing(RuleViolated("the trip is closed"))
    await agency.request()
    for _ in range(5):
        await agency.accept()

    assert (await agency.sent())[3:] == ["undo:book-room:1", "undo:reserve-seat:1"]
    assert (await agency.said())[-1] == ("TripFailed", {"trip": "1", "reason": "the trip is closed"})
    assert (await agency.state(), await agency.asleep()) == (("failed", "reserve seat"), [])


async def test_what_a_refused_end_had_done_is_undone_with_it(paying: Agency) -> None:
    def half_done() -> None:
        paying.parts.outbox.record(TripCancelled(trip="another"), key="another")
        raise RuleViolated("the trip is closed")

    paying.before_failing = half_done
    await paying.request()
    await paying.refuse("no money")

    assert [name for name, _ in await paying.said()] == ["TripRequested"]
    assert await paying.asleep() == []


async def test_a_cancellation_ends_what_was_refused_at_its_end(paying: Agency) -> None:
    paying.before_failing = Refusing(RuleViolated("the trip is closed"))
    await paying.request()
    await paying.refuse("no money")

    await paying.cancel()

    assert (await paying.state())[0] == "cancelled"
    assert await paying.parts.rows("SELECT * FROM timers") == []


async def test_a_refused_undo_is_tried_again_and_shown(agency: Agency) -> None:
    await agency.request()
    await agency.accept()
    await agency.refuse("no room")

    await agency.refuse("the train has left")
    assert (await agency.state(), await agency.asleep()) == (("compensating", "reserve seat"), [])
    assert await agency.parts.rows("SELECT refusal FROM sagas") == [("the train has left",)]
    await agency.time_passes()
    assert (await agency.sent())[2:] == ["undo:reserve-seat:1", "undo:reserve-seat:2"]
    assert agency.parts.measured("mallbots_saga_timeouts_total") == 0

    await agency.accept()
    assert await agency.state() == ("failed", "reserve seat")
    assert (await agency.history())[-5:] == ["UndoSent", "UndoRefused", "UndoSent", "UndoDone", "Ended"]
    assert await agency.parts.rows("SELECT refusal FROM sagas") == [("",)]


async def test_a_timer_that_meets_a_refusal_stays(tmp_path: Path) -> None:
    """Whatever a saga's own code refuses: it must not be the end of the timer."""

    def refuse(facts: object) -> object:
        raise RuleViolated("no command can be made")

    steps = (Step("charge card", to="bank", do=only_paid.steps[0].do, undo=refuse, attempts=1),)
    agency = Agency(f"sqlite:///{tmp_path / 'travel.db'}", saga=with_steps(*steps))
    async with agency:
        await agency.request()
        await agency.time_passes()

        assert (await agency.state(), await agency.asleep()) == (("running", "charge card"), [])
        assert await agency.parts.rows("SELECT attempts FROM timers") == [(1,)]


async def test_who_was_left_asleep_is_woken(agency: Agency) -> None:
    """By a program of before: it has lost their timers."""
    for trip in "12":
        await agency.request(trip)
    database, timers = agency.parts.database, agency.parts.timers
    await agency.parts.change(lambda: database.run("DELETE FROM timers WHERE key = 'trip:2'"))
    assert [each.id for each in await agency.asleep()] == ["trip:2"]

    woken = await agency.parts.change(lambda: wake_up(database, TRAVEL.context, timers))
    assert ([each.id for each in woken], await agency.asleep()) == (["trip:2"], [])
    await agency.time_passes()

    assert await agency.sent("2") == ["do:reserve-seat:1", "do:reserve-seat:2"]


async def test_whose_timer_was_set_aside_is_left_to_an_operator(agency: Agency) -> None:
    """It has killed the process: whoever starts must not begin that anew."""
    await agency.request()
    database, timers = agency.parts.database, agency.parts.timers
    await agency.parts.change(lambda: database.run("UPDATE timers SET due_at = ?", (AT_NO_TIME,)))

    assert [each.id for each in await agency.asleep()] == ["trip:1"]
    assert await agency.parts.change(lambda: wake_up(database, TRAVEL.context, timers)) == []
    assert await agency.parts.rows("SELECT due_at FROM timers") == [(AT_NO_TIME,)]


def with_steps(*steps: Step[TripRequested]) -> Saga[TripRequested]:
    return replace(trip_saga, cancels_on=None, steps=steps)
