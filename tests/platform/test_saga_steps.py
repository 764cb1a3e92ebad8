"""A process keeps to the steps that it began with, whatever steps the program has by now."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mallbots_platform.errors import CannotStart, NewerVersion
from mallbots_platform.saga_steps import check_steps
from mallbots_platform.sagas import Saga
from tests.support.parts import KINDS, empty_database
from tests.support.travel import Agency, TripRequested, trip_saga

SEAT, ROOM, MONEY = trip_saga.steps
AS_TODAY = ["do:reserve-seat:1", "do:book-room:1", "do:charge-card:1"]
BACK = ["undo:book-room:1", "undo:reserve-seat:1"]
paying_first = replace(trip_saga, steps=(MONEY, SEAT, ROOM))
without_rooms = replace(trip_saga, steps=(SEAT, MONEY))
rooms_retired = replace(without_rooms, retired=(ROOM,))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


async def begun(database_url: str, accepted: int, trips: Sequence[str] = "1") -> None:
    async with Agency(database_url) as agency:
        for trip in trips:
            await agency.request(trip)
            for _ in range(accepted):
                await agency.accept((await agency.commands(trip))[-1])


async def forget_names(agency: Agency) -> None:
    """As a program of before has noted it: steps have places, and no names."""

    def forget() -> None:
        agency.parts.database.run("UPDATE sagas SET steps = ''")
        agency.parts.database.run(
            "UPDATE events SET data = REPLACE(data, ?, '}') WHERE type = 'SagaProcess.Began'",
            (',"steps":["reserve seat","book room","charge card"]}',),
        )

    await agency.parts.change(forget)
    [(data,)] = await agency.parts.rows("SELECT data FROM events WHERE type = 'SagaProcess.Began'")
    assert "steps" not in data


@pytest.mark.parametrize("newer", [paying_first, rooms_retired], ids=["moved", "removed"])
@pytest.mark.parametrize("accepted", [0, 1, 2])
async def test_a_process_goes_on_with_its_own_steps(
    database_url: str, newer: Saga[TripRequested], accepted: int
) -> None:
    await begun(database_url, accepted)

    async with Agency(database_url, saga=newer) as agency:
        for _ in range(3 - accepted):
            await agency.accept()

        assert await agency.sent() == AS_TODAY
        assert (await agency.state())[0] == "completed"


@pytest.mark.parametrize("newer", [paying_first, rooms_retired], ids=["moved", "removed"])
async def test_a_process_undoes_its_own_steps(database_url: str, newer: Saga[TripRequested]) -> None:
    await begun(database_url, 2)

    async with Agency(database_url, saga=newer) as agency:
        await agency.refuse("no money")
        await agency.accept()
        await agency.accept()

        assert await agency.sent() == [*AS_TODAY, *BACK]
        assert await agency.state() == ("failed", "reserve seat")


async def test_a_new_process_begins_with_the_steps_of_today(database_url: str) -> None:
    async with Agency(database_url, saga=rooms_retired) as agency:
        await agency.request()
        await agency.accept()
        await agency.accept()

        assert await agency.sent() == ["do:reserve-seat:1", "do:charge-card:1"]
        assert (await agency.state())[0] == "completed"


@pytest.mark.parametrize("accepted", [0, 1, 2])
async def test_places_of_before_are_read_by_the_table_of_the_saga(tmp_path: Path, accepted: int) -> None:
    database_url = f"sqlite:///{tmp_path / 'travel.db'}"
    await begun(database_url, accepted)

    newer = replace(paying_first, places=trip_saga.names)
    async with Agency(database_url, saga=newer) as agency:
        await forget_names(agency)
        for _ in range(3 - accepted):
            await agency.accept()

        assert await agency.sent() == AS_TODAY
        assert (await agency.state())[0] == "completed"


async def test_an_open_process_with_an_unknown_step_is_told_at_the_start(database_url: str) -> None:
    await begun(database_url, 1, trips="123")

    async with Agency(database_url) as agency:
        database = agency.parts.database
        check_steps(database, [trip_saga])
        check_steps(database, [rooms_retired])
        with pytest.raises(CannotStart, match=r"^3 open process\(es\) of the saga 'trip' have the step 'book room',"):
            check_steps(database, [without_rooms])
        with pytest.raises(CannotStart, match=r"^3 open process\(es\) belong to the saga 'trip',"):
            check_steps(database, [])


async def test_what_was_noted_by_its_place_is_checked_too(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path / 'travel.db'}"
    await begun(database_url, 1)

    async with Agency(database_url) as agency:
        await forget_names(agency)
        check_steps(agency.parts.database, [replace(paying_first, places=trip_saga.names)])
        with pytest.raises(CannotStart, match="have the step 'book room'"):
            check_steps(agency.parts.database, [without_rooms])
        with pytest.raises(CannotStart, match="have the step 'book room'"):
            check_steps(agency.parts.database, [replace(without_rooms, places=trip_saga.names)])


async def test_steps_of_what_has_ended_may_be_forgotten(database_url: str) -> None:
    await begun(database_url, 3)

    async with Agency(database_url) as agency:
        check_steps(agency.parts.database, [without_rooms])
        check_steps(agency.parts.database, [])


async def test_who_does_not_know_a_step_leaves_it_to_others(database_url: str) -> None:
    """Of two processes at one database, the other one is newer."""
    await begun(database_url, 0)

    async with Agency(database_url, saga=without_rooms) as agency:
        with pytest.raises(NewerVersion, match="does not know the step 'book room' of trip:1"):
            await agency.accept()
        assert await agency.state() == ("running", "reserve seat")

    async with Agency(database_url) as agency:
        await agency.accept()
        assert await agency.sent() == AS_TODAY[:2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": (SEAT, SEAT)},
        {"steps": (SEAT, replace(ROOM, name="reserve-seat"))},
        {"retired": (ROOM,)},
        {"name": "trip:abroad"},
        {"steps": (replace(SEAT, name="seat: reserve"),)},
    ],
)
def test_names_that_would_be_mixed_up_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the saga 'trip"):
        replace(trip_saga, **wrong)  # type: ignore[arg-type] # that is what is tried
