"""The state that a saga is in: cancelled at any moment, answered late or twice, restarted, remembered."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mallbots_platform import schema
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.support.parts import KINDS, both, empty_database
from tests.support.travel import TRAVEL, Agency, TripRequested

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


async def test_a_late_reply_is_written_down(agency: Agency) -> None:
    await agency.request()
    await agency.time_passes()
    first, second = await agency.commands()
    await agency.accept(second)

    await agency.refuse("the train is full", first)

    assert (await agency.history())[-1] == "LateReply"
    assert await agency.state() == ("running", "book room")
    [(data,)] = await agency.parts.rows("SELECT data FROM events WHERE type = 'SagaProcess.LateReply'")
    assert msgspec.json.decode(data) == {"message_id": first.id, "answer": "refused: the train is full"}


async def test_the_same_reply_twice_moves_it_once(quick: Agency) -> None:
    await quick.request()
    [first] = await quick.commands()

    for _ in range(3):
        await quick.accept(first)

    assert await quick.sent() == ALL_STEPS[:2]
    assert (await quick.history())[-2:] == ["LateReply", "LateReply"]


async def test_a_reply_after_the_end_changes_nothing(quick: Agency) -> None:
    await quick.request()
    await quick.refuse("the train is full")

    await quick.accept((await quick.commands())[0])

    assert await quick.state() == ("failed", "reserve seat")
    assert [name for name, _ in await quick.said()] == ["TripRequested", "TripFailed"]


async def test_a_reply_to_nobody_is_not_found(quick: Agency) -> None:
    await quick.request()
    [command] = await quick.commands()

    with pytest.raises(NotFound):
        await quick.accept(msgspec.structs.replace(command, subject="unknown"))


async def test_cancelled_at_the_first_step_it_is_undone(quick: Agency) -> None:
    await quick.request()

    await quick.cancel()
    assert await quick.sent() == ["do:reserve-seat:1", "undo:reserve-seat:1"]
    await quick.accept((await quick.commands())[0])
    await quick.accept((await quick.commands())[1])

    assert await quick.state() == ("cancelled", "reserve seat")
    assert [name for name, _ in await quick.said()] == ["TripRequested", "TripCancelled"]
    assert quick.parts.measured("mallbots_saga_ended_total", saga="trip", outcome="cancelled") == 1


async def test_cancelled_in_the_middle_all_before_is_undone(agency: Agency) -> None:
    await agency.request()
    await agency.accept()
    await agency.accept()

    await agency.cancel()
    await agency.accept()
    await agency.accept()

    assert (await agency.sent())[3:] == ["undo:book-room:1", "undo:reserve-seat:1"]
    assert await agency.state() == ("cancelled", "reserve seat")


async def test_cancelled_when_completed_it_is_undone(agency: Agency) -> None:
    await agency.request()
    for _ in range(3):
        await agency.accept()

    await agency.cancel()
    await agency.accept()
    await agency.accept()

    assert (await agency.sent())[3:] == ["undo:book-room:1", "undo:reserve-seat:1"]
    assert await agency.state() == ("cancelled", "reserve seat")
    assert [name for name, _ in await agency.said()] == ["TripRequested", "TripBooked", "TripCancelled"]


async def test_cancelled_while_undoing_it_goes_on_undoing(quick: Agency) -> None:
    await quick.request()
    await quick.accept()
    await quick.accept()
    await quick.refuse("the card is blocked")

    await quick.cancel()
    assert (await quick.sent())[-1] == "undo:book-room:1"
    await quick.accept()
    await quick.accept()

    assert (await quick.sent())[3:] == ["undo:book-room:1", "undo:reserve-seat:1"]
    assert await quick.state() == ("cancelled", "reserve seat")
    assert [name for name, _ in await quick.said()] == ["TripRequested", "TripCancelled"]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_what_has_ended_cannot_be_cancelled(quick: Agency, end: str) -> None:
    await quick.request()
    if end == "failed":
        await quick.refuse("the train is full")
    else:
        await quick.cancel()
        await quick.accept()
    before = await quick.history()

    await quick.cancel()

    assert await quick.history() == before
    assert (await quick.state())[0] == end


async def test_cancelling_twice_is_cancelling_once(quick: Agency) -> None:
    await quick.request()
    await quick.cancel()
    before = await quick.history()

    await quick.cancel()

    assert await quick.history() == before


async def test_cancelling_what_never_began_does_nothing(quick: Agency) -> None:
    await quick.cancel("unknown")

    assert await quick.parts.rows("SELECT * FROM sagas") == []


async def test_it_cannot_begin_twice(quick: Agency) -> None:
    await quick.request()

    with pytest.raises(AlreadyExists):
        await quick.request()

    assert await quick.sent() == ALL_STEPS[:1]
    assert len(await quick.said()) == 1


async def test_processes_do_not_mix(quick: Agency) -> None:
    await quick.request("1")
    await quick.request("1:do")
    [mine] = await quick.commands("1")

    await quick.refuse("the train is full", mine)

    assert (await quick.state("1"))[0] == "failed"
    assert (await quick.state("1:do"))[0] == "running"


Move = Callable[[Agency], Awaitable[None]]


WAYS: dict[str, list[Move]] = {
    "completes": [Agency.request, Agency.accept, Agency.accept, Agency.accept],
    "fails": [Agency.request, Agency.accept, lambda agency: agency.refuse("no room"), Agency.accept],
    "times out": [Agency.request, Agency.accept, Agency.time_passes, Agency.time_passes, Agency.accept, Agency.accept],
    "is cancelled": [Agency.request, *[Agency.accept] * 3, Agency.cancel, Agency.time_passes, *[Agency.accept] * 2],
}


@pytest.mark.parametrize(
    ("database_url", "way"),
    [*(("sqlite", way) for way in WAYS), ("postgresql", "times out")],
    indirect=["database_url"],
)
async def test_a_restart_between_any_two_moments_changes_nothing(database_url: str, way: str) -> None:
    async with Agency(database_url) as agency:
        for move in WAYS[way]:
            await move(agency)
        straight = (await agency.history(), await agency.sent(), await agency.state())
        tables = schema.metadata.sorted_tables
        await agency.parts.change(lambda: [agency.parts.database.execute(table.delete()) for table in tables])

    for move in WAYS[way]:
        async with Agency(database_url) as restarted:
            await move(restarted)

    async with Agency(database_url) as agency:
        assert (await agency.history(), await agency.sent(), await agency.state()) == straight
        assert (await agency.state())[0] in ("completed", "failed", "cancelled")


async def test_two_processes_answer_the_same_saga_once(agency: Agency) -> None:
    await agency.request()
    async with Agency(agency.parts.url) as other:
        [command] = await agency.commands()
        await both(agency.accept(command), other.accept(command))

        assert await agency.sent() == ALL_STEPS[:2]
        assert (await agency.history()).count("StepDone") == 1


async def test_the_events_of_a_process_may_become_a_snapshot(tmp_path: Path) -> None:
    async with Agency(f"sqlite:///{tmp_path / 'travel.db'}", snapshot_every=3) as agency:
        await agency.request()
        await agency.accept(seat="7a")
        await agency.refuse("no room")
        await agency.time_passes()
        assert await agency.parts.rows("SELECT stream_id, version FROM snapshots") == [("SagaProcess-trip:1", 6)]

        await agency.accept()

        assert await agency.state() == ("failed", "reserve seat")
        assert msgspec.json.decode((await agency.commands())[-1].data) == {"trip": "1", "seat": "7a"}


async def test_an_event_of_an_older_version_still_feeds_its_process(database_url: str) -> None:
    """It began before the contract of its first event changed."""
    async with Agency(database_url) as agency:
        await agency.request()
    renamed = """UPDATE events SET data = REPLACE(data, 'traveller', 'passenger') WHERE type = 'SagaProcess.Began'"""

    def upcast(payload: dict[str, Any]) -> dict[str, Any]:
        return {"trip": payload["trip"], "traveller": payload["passenger"]}

    contract = replace(TRAVEL, versions={TripRequested: 2}, upcasters={("travel.TripRequested", 1): upcast})
    async with Agency(database_url, contract=contract) as newer:
        await newer.parts.change(lambda: newer.parts.database.run(renamed))
        await newer.accept()
        await newer.request("2")
        await newer.accept((await newer.commands("2"))[0])

        for trip in ("1", "2"):
            assert msgspec.json.decode((await newer.commands(trip))[-1].data)["traveller"] == "Ärmel"
