"""A source has as many partitions as it has, whatever its readers have: they hear all of it."""

from pathlib import Path

import pytest

from mallbots_platform.embedded_redis import EmbeddedRedis
from tests.conftest import new_database
from tests.support.world import Running, World, eventually

TEXTS = [f"text {number}" for number in range(24)]


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    world = World(tmp_path, redis_server)
    if request.param == "postgresql":
        world.databases["listener"] = new_database(request.getfixturevalue("postgres_url"))
    return world


async def say_all(teller: Running) -> None:
    for text in TEXTS:
        await teller.say(text, key=text)
    assert await eventually(lambda: teller.process.relay.behind == 0)


async def hears_all(listener: Running) -> bool:
    return sorted(await listener.until(lambda heard: len(heard) >= len(TEXTS))) == sorted(TEXTS)


async def knows(listener: Running, partitions: int) -> bool:
    facts = await listener.rows("SELECT value FROM platform_facts WHERE name = 'partitions of teller'")
    return facts == [(str(partitions),)]


@pytest.mark.parametrize(("of_source", "of_reader"), [(4, 2), (5, 1), (2, 4), (1, 3), (3, 3)])
async def test_a_reader_hears_all_partitions(world: World, of_source: int, of_reader: int) -> None:
    listener = await world.listener(partitions=of_reader)
    teller = await world.teller(partitions=of_source)
    await say_all(teller)

    assert await hears_all(listener)
    assert await eventually(lambda: knows(listener, of_source))
    lags = await listener.process.lag.read()
    assert {lag.partition for lag in lags} >= set(range(of_source))
    assert sum(lag.applied_sequence for lag in lags) == len(TEXTS)


async def test_what_is_not_heard_yet_shows_as_lag(world: World) -> None:
    """Who knows of the partitions knows what it lacks."""
    teller, listener = await world.teller(partitions=6), await world.listener(partitions=1)
    assert await eventually(lambda: knows(listener, 6))
    await listener.stop()
    await say_all(teller)

    again = await world.listener(partitions=1)

    assert len(await again.process.lag.read()) == 6
    assert await hears_all(again)


async def test_the_count_is_kept_for_when_the_source_is_away(places: World) -> None:
    teller, listener = await places.teller(partitions=5), await places.listener(partitions=2)
    assert await eventually(lambda: knows(listener, 5))
    await listener.stop()
    await say_all(teller)
    await teller.stop()

    again = await places.listener(partitions=2)

    assert await hears_all(again)


async def test_of_two_readers_each_has_its_share(world: World, postgres_url: str) -> None:
    world.databases["listener"] = new_database(postgres_url)
    teller = await world.teller(partitions=6)
    first, second = await world.listener(partitions=2), await world.listener(partitions=2)
    assert await eventually(lambda: knows(first, 6))
    await say_all(teller)

    assert await hears_all(second)
    owned = [each.measured("mallbots_lease_owned", group="listener") for each in (first, second)]
    assert sum(owned) == 6
