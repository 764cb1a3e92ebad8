"""A saga at work: its steps, its refusals and time-outs, its undoing."""

from pathlib import Path

import msgspec
import pytest

from tests.support.parts import KINDS, empty_database
from tests.support.travel import Agency

ALL_STEPS = ["do:reserve-seat:1", "do:book-room:1", "do:charge-card:1"]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def agency(database_url: str) -> Agency:
    return Agency(database_url)


@pytest.fixture
def quick(tmp_path: Path) -> Agency:
    """Over SQLite only: what it shows does not depend on the database."""
    return Agency(f"sqlite:///{tmp_path / 'travel.db'}")


async def test_steps_are_taken_one_after_the_other(agency: Agency) -> None:
    await agency.request()
    assert await agency.sent() == ALL_STEPS[:1]

    await agency.accept(seat="7a")
    assert await agency.sent() == ALL_STEPS[:2]
    assert await agency.state() == ("running", "book room")

    await agency.accept()
    assert await agency.sent() == ALL_STEPS

    await agency.accept()
    assert await agency.sent() == ALL_STEPS
    assert (await agency.said())[-1] == ("TripBooked", {"trip": "1", "seat": "7a"})
    assert await agency.state() == ("completed", "charge card")
    assert await agency.parts.rows("SELECT * FROM timers") == []
    assert agency.parts.measured("mallbots_saga_ended_total", saga="trip", outcome="completed") == 1


async def test_a_command_says_where_it_comes_from(agency: Agency) -> None:
    await agency.request()
    await agency.accept()

    first, second = await agency.commands()
    [requested] = await agency.parts.published()
    assert (first.channel, first.type, first.id) == (
        "commands.trains",
        "trains.ReserveSeat",
        "trip:1:do:reserve-seat:1",
    )
    assert (first.causationid, first.correlationid) == (requested.id, "conversation of 1")
    assert (second.channel, second.causationid) == ("commands.hotels", f"reply to {first.id}")
    assert second.correlationid == "conversation of 1"
    assert msgspec.json.decode(second.data) == {"trip": "1", "traveller": "Ärmel"}
    assert agency.saga.owns(first.id) and not agency.saga.owns("another:1:do:x:1")


async def test_a_refusal_undoes_what_was_done_in_reverse(agency: Agency) -> None:
    await agency.request()
    await agency.accept(seat="7a")
    await agency.accept()

    await agency.refuse("the card is blocked")
    assert await agency.state() == ("compensating", "book room")
    await agency.accept()
    await agency.accept()

    assert await agency.sent() == [*ALL_STEPS, "undo:book-room:1", "undo:reserve-seat:1"]
    assert msgspec.json.decode((await agency.commands())[-1].data) == {"trip": "1", "seat": "7a"}
    assert (await agency.said())[-1] == ("TripFailed", {"trip": "1", "reason": "the card is blocked"})
    assert await agency.state() == ("failed", "reserve seat")
    assert agency.parts.measured("mallbots_saga_ended_total", saga="trip", outcome="failed") == 1


async def test_a_refusal_of_the_first_step_leaves_nothing_to_undo(quick: Agency) -> None:
    await quick.request()

    await quick.refuse("the train is full")

    assert await quick.sent() == ALL_STEPS[:1]
    assert (await quick.said())[-1] == ("TripFailed", {"trip": "1", "reason": "the train is full"})


async def test_without_an_answer_a_command_is_sent_again(agency: Agency) -> None:
    await agency.request()

    await agency.time_passes()
    await agency.time_passes()

    assert await agency.sent() == ["do:reserve-seat:1", "do:reserve-seat:2", "do:reserve-seat:3"]
    first, *_, last = await agency.commands()
    assert (first.data, first.type, first.subject) == (last.data, last.type, last.subject)
    assert agency.parts.measured("mallbots_saga_timeouts_total", saga="trip", step="reserve seat") == 2


async def test_it_waits_longer_before_each_attempt(quick: Agency) -> None:
    await quick.request()
    pauses = []
    for _ in range(3):
        [(due_at,)] = await quick.parts.rows("SELECT due_at FROM timers")
        [(changed_at,)] = await quick.parts.rows("SELECT MAX(committed_at) FROM outbox")
        pauses.append(round((due_at - changed_at) / 30e6))
        await quick.time_passes()

    assert pauses == [1, 2, 4]


@pytest.mark.parametrize("answered", [1, 2])
async def test_an_answer_to_any_attempt_counts(quick: Agency, answered: int) -> None:
    await quick.request()
    await quick.time_passes()

    await quick.accept((await quick.commands())[answered - 1])

    assert (await quick.sent())[-1] == "do:book-room:1"


async def test_after_the_last_attempt_it_fails_and_undoes(agency: Agency) -> None:
    await agency.request()
    await agency.accept()
    for _ in range(2):
        await agency.time_passes()

    assert (await agency.sent())[1:] == ["do:book-room:1", "do:book-room:2", "undo:book-room:1"]
    await agency.accept()
    await agency.accept()

    assert (await agency.said())[-1] == ("TripFailed", {"trip": "1", "reason": "a participant did not answer in time"})
    assert "StepTimedOut" in await agency.history()


async def test_refused_after_a_time_out_it_is_undone_too(quick: Agency) -> None:
    """The first attempt was refused, its answer late; the second is on its way and may be carried out."""
    await quick.request()
    await quick.time_passes()
    first, second = await quick.commands()

    await quick.refuse("the train is full", first)
    assert (await quick.sent())[-1] == "undo:reserve-seat:1"
    await quick.accept(second)
    await quick.accept()

    assert await quick.state() == ("failed", "reserve seat")
    assert (await quick.history())[-3:] == ["LateReply", "UndoDone", "Ended"]


async def test_an_undo_is_sent_until_it_is_answered(agency: Agency) -> None:
    await agency.request()
    await agency.accept()
    await agency.refuse("no room")

    for _ in range(6):
        await agency.time_passes()

    assert (await agency.sent())[2:] == [f"undo:reserve-seat:{attempt}" for attempt in range(1, 8)]
    assert await agency.state() == ("compensating", "reserve seat")
    await agency.accept()
    assert await agency.state() == ("failed", "reserve seat")


async def test_to_an_undo_not_found_means_nothing_to_undo(quick: Agency) -> None:
    await quick.request()
    await quick.accept()
    await quick.refuse("no room")

    await quick.has_nothing_to_undo()

    assert await quick.state() == ("failed", "reserve seat")
    assert (await quick.said())[-1] == ("TripFailed", {"trip": "1", "reason": "no room"})


async def test_a_timer_of_an_answered_step_asks_nobody(quick: Agency) -> None:
    await quick.request()
    rows = await quick.parts.rows("SELECT * FROM timers")
    await quick.accept()
    put_back = f"INSERT INTO timers VALUES ({', '.join('?' * len(rows[0]))})"

    def go_back() -> None:
        quick.parts.database.run("DELETE FROM timers")
        quick.parts.database.run(put_back, rows[0])

    await quick.parts.change(go_back)
    await quick.time_passes()

    assert await quick.sent() == ALL_STEPS[:2]
    assert await quick.asleep() == []


async def test_the_time_of_a_step_is_measured_under_its_name(quick: Agency) -> None:
    def measured(step: str) -> float:
        return quick.parts.measured("mallbots_saga_step_seconds_count", saga="trip", step=step)

    await quick.request()
    await quick.time_passes()
    assert measured("reserve seat") == 0
    await quick.accept()
    assert (measured("reserve seat"), measured("book room")) == (1, 0)
    await quick.accept()
    await quick.accept()

    assert (measured("reserve seat"), measured("book room"), measured("charge card")) == (1, 1, 1)


async def test_a_step_lasts_from_its_first_attempt(quick: Agency) -> None:
    await quick.request()
    ago = "UPDATE sagas SET changed_at = changed_at - 60000000"
    await quick.parts.change(lambda: quick.parts.database.run(ago))

    await quick.time_passes()
    await quick.accept()

    seconds = quick.parts.measured("mallbots_saga_step_seconds_sum", saga="trip", step="reserve seat")
    assert seconds >= 60


async def test_a_failing_end_leaves_the_process_where_it_was(quick: Agency) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    await quick.request()
    await quick.accept()
    await quick.accept()
    quick.before_booking = fail

    with pytest.raises(ZeroDivisionError):
        await quick.accept()
    assert await quick.state() == ("running", "charge card")

    quick.before_booking = lambda: None
    await quick.accept()
    assert await quick.state() == ("completed", "charge card")
