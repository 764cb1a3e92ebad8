"""What goes by one name is one thing; where two do, the process does not start, and says which."""

from pathlib import Path

import pytest

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import CannotStart
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.process import open_process
from tests.support.world import TELLER, Said, Whispered, World

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


async def test_two_tables_of_handlers_for_one_source(world: World) -> None:
    """One of them would never be asked."""
    async with open_process(LISTENER, world.settings_of("listener")) as process:
        process.subscribe(TELLER, {Said: print})
        process.subscribe(TELLER, {Whispered: print})
        with pytest.raises(CannotStart, match="listener listens to teller twice"):
            await process.start()
