"""Workers that die, and a Redis that forgets: no job is lost, and none is done again that was done."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest

from tests.support.parts import KINDS, empty_postgres
from tests.support.posts import (
    GROUP,
    NAMES,
    Letter,
    Post,
    hold_as_a_dead_worker,
    nothing_is_left,
    open_post,
    stream_of,
)
from tests.support.world import World, eventually, flush, redis_client


@pytest.fixture
def two_places(world: World, postgres_url: str) -> World:
    """Where two processes of the context can work at the same time."""
    world.databases["post"] = empty_postgres(postgres_url)
    return world


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, world: World) -> World:
    if request.param == "postgresql":
        world.databases["post"] = empty_postgres(request.getfixturevalue("postgres_url"))
    return world


async def test_what_a_dead_worker_held_is_claimed(world: World) -> None:
    held = await hold_as_a_dead_worker(world, "ann", "ben")

    post = await open_post(world, claim_seconds=0.3)

    assert held == 2
    assert await post.does("ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert await eventually(lambda: nothing_is_left(world))


async def test_a_living_worker_keeps_its_jobs(two_places: World) -> None:
    """Each takes longer than a dead worker would be waited for, counted from when they were handed out."""

    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.25)

    here = await open_post(two_places, take_a_while, workers=1, claim_seconds=0.8)
    there = await open_post(two_places, take_a_while, workers=1, claim_seconds=0.8)
    names = NAMES[:16]

    await here.put(*names)

    assert await here.does(*names, seconds=60)
    assert Counter(here.delivered + there.delivered) == dict.fromkeys(names, 1)


async def test_a_job_whose_acknowledgement_was_lost_is_not_done_again(world: World) -> None:
    post = await open_post(world)
    await post.put("ann")
    assert await post.does("ann")
    await eventually(lambda: nothing_is_left(world))

    async with redis_client(world.redis) as client:
        [(raw,)] = await post.running.rows("SELECT envelope FROM outbox WHERE channel = 'jobs.letters'")
        await client.delete(stream_of("ann").key)
        await client.xadd(stream_of("ann").key, {"e": raw}, id="1-0")

    assert await post.counts(1, "duplicate")
    assert await eventually(lambda: nothing_is_left(world))
    assert post.delivered == ["ann"]


async def test_a_job_that_kills_its_workers_is_buried(world: World) -> None:
    await hold_as_a_dead_worker(world, "ann")
    async with redis_client(world.redis) as client:
        await client.xclaim(stream_of("ann").key, GROUP, "dead", 0, ["1-0"], retrycount=10)

    post = await open_post(world, claim_seconds=0.3)

    assert await eventually(post.parked) == [("ann", "dead", 1)]
    [(error,)] = await post.running.rows("SELECT error FROM parked")
    assert error == "10 processes died of it"
    assert post.delivered == []


async def test_a_flushed_redis_loses_and_doubles_nothing(either: World) -> None:
    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.005)

    post = await open_post(either, take_a_while, claim_seconds=2.0)

    for start in range(0, 30, 10):
        await post.put(*NAMES[start : start + 10])
        await eventually(partial(has_delivered, post, start + 1))
        await flush(either.redis)

    assert await post.does(*NAMES)
    assert Counter(post.delivered) == dict.fromkeys(NAMES, 1)
    assert await eventually(lambda: nothing_is_left(either))
    assert await eventually(lambda: not post.process.troubles)


def has_delivered(post: Post, count: int) -> bool:
    return len(post.delivered) >= count


async def test_redis_that_is_away_is_waited_for(world: World) -> None:
    post = await open_post(world)
    pid = world.redis.pid
    await post.put("ann")
    assert await post.does("ann")

    async with redis_client(world.redis) as client:
        await client.client_kill_filter(_type="normal", skipme=True)
    await post.put("ben")

    assert await post.does("ben")
    assert world.redis.pid == pid
    assert await eventually(lambda: not post.process.troubles)


async def test_consumers_of_long_ago_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.job_streams.FORGET_AFTER_MILLISECONDS", -1)
    await hold_as_a_dead_worker(world, "ann")
    async with redis_client(world.redis) as client:
        await client.xgroup_createconsumer(stream_of("ann").key, GROUP, "left-over")

        await open_post(world, workers=0, claim_seconds=3600)

        async def names() -> set[bytes]:
            return {each["name"] for each in await client.xinfo_consumers(stream_of("ann").key, GROUP)}

        assert await eventually(lambda: is_true(names, lambda found: b"left-over" not in found))
        assert b"dead" in await names()


async def is_true(ask: Any, condition: Any) -> bool:
    return bool(condition(await ask()))
