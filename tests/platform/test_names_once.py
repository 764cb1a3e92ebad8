"""What goes by one name is one thing; where two do, the process does not start, and says which."""

from dataclasses import replace
from pathlib import Path

import pytest

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import CannotStart
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.process import open_process
from tests.support.travel import PARTICIPANTS, TRAINS, TRAVEL, trip_saga
from tests.support.world import TELLER, Said, Whispered, World

ALL_TAKE = {each.context: each for each in PARTICIPANTS}
LISTENER = Contract(context="listener")


@event
class Other:
    number: int


@command
class Wake:
    who: str


@command
class Rise:
    who: str


class Shelf(Aggregate):
    pass


class Board(Aggregate):
    pass


Other.__name__, Rise.__name__, Board.__name__ = "Said", "Wake", "Shelf"


@pytest.fixture
def world(tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    return World(tmp_path, redis_server)


async def test_two_events_of_one_name(world: World) -> None:
    with pytest.raises(CannotStart, match=r"called teller\.Said on the wire: tests\.support\.world\.Said and .*Other;"):
        async with open_process(LISTENER, world.settings_of("listener")) as process:
            process.subscribe(TELLER, {Said: print})
            process.subscribe(Contract(context="teller", events=(Other,)), {Other: print}, purpose="other")


async def test_two_timers_of_one_name(world: World) -> None:
    async with open_process(LISTENER, world.settings_of("listener")) as process:
        process.on_timers({Wake: print})
        with pytest.raises(CannotStart, match=r"called listener\.Wake on the wire: .*Wake and .*Rise;"):
            process.on_timers({Rise: print})


async def test_two_aggregates_of_one_name(world: World) -> None:
    """Their events would lie in the same streams."""
    async with open_process(LISTENER, world.settings_of("listener")) as process:
        process.event_sourced(Shelf, ())
        process.event_sourced(Shelf, ())
        with pytest.raises(CannotStart, match=r"two aggregates are called Shelf: .*\.Shelf and .*\.Board"):
            process.event_sourced(Board, ())


async def test_two_sagas_of_one_name(world: World) -> None:
    """The ids of their commands would be the same."""
    async with open_process(TRAVEL, world.settings_of("travel")) as process:
        process.orchestrate(trip_saga, {}, ALL_TAKE)
        with pytest.raises(CannotStart, match="two sagas are called 'trip'"):
            process.orchestrate(trip_saga, {}, ALL_TAKE)


async def test_each_participant_of_each_saga_is_heard(world: World) -> None:
    seat, room, money = trip_saga.steps
    async with open_process(TRAVEL, world.settings_of("travel")) as process:
        process.orchestrate(replace(trip_saga, steps=(seat,)), {}, {"trains": TRAINS})
        process.orchestrate(replace(trip_saga, name="stay", steps=(seat, room)), {}, ALL_TAKE)

        assert sorted(route.source for route in process.routes["travel"]) == ["bank", "hotels", "trains"]
        with pytest.raises(CannotStart, match="the step 'charge card' of the saga 'bill' goes to bank"):
            process.orchestrate(replace(trip_saga, name="bill", steps=(money,)), {}, {"trains": TRAINS})


async def test_two_tables_of_handlers_for_one_source(world: World) -> None:
    """One of them would never be asked."""
    async with open_process(LISTENER, world.settings_of("listener")) as process:
        process.subscribe(TELLER, {Said: print})
        process.subscribe(TELLER, {Whispered: print})
        with pytest.raises(CannotStart, match="listener listens to teller twice"):
            await process.start()
