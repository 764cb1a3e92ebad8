"""Jobs: each done once by whichever worker is free."""

import asyncio
import time
from functools import partial

import pytest

from mallbots_platform.errors import RuleViolated
from tests.support.parts import KINDS, empty_postgres
from tests.support.posts import (
    GROUP,
    NAMES,
    Letter,
    nothing_is_left,
    open_post,
    stream_of,
)
from tests.support.world import World, eventually, redis_client


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


async def test_each_job_is_done_once_and_then_gone(either: World) -> None:
    post = await open_post(either)

    await post.put(*NAMES)

    assert await post.does(*NAMES)
    assert sorted(post.delivered) == NAMES
    assert await eventually(lambda: nothing_is_left(either))
    assert await post.counts(len(NAMES), "applied")
    assert await post.parked() == []


async def test_two_processes_share_the_work(two_places: World) -> None:
    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.01)

    here, there = await open_post(two_places, take_a_while), await open_post(two_places, take_a_while)

    await here.put(*NAMES)

    assert await here.does(*NAMES)
    assert sorted(here.delivered + there.delivered) == NAMES
    assert here.delivered and there.delivered


async def test_no_more_jobs_run_at_once_than_there_are_workers(world: World) -> None:
    running, most = 0, 0

    async def count(letter: Letter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    post = await open_post(world, count, workers=3)
    await post.put(*NAMES)

    assert await post.does(*NAMES)
    assert most == 3


async def test_a_slow_job_does_not_hold_up_the_others(world: World) -> None:
    go_on = asyncio.Event()

    async def wait_for_the_first(letter: Letter) -> None:
        if letter.to == NAMES[0]:
            await go_on.wait()

    post = await open_post(world, wait_for_the_first)
    await post.put(*NAMES)

    assert await post.does(*NAMES[1:])
    go_on.set()
    assert await post.does(*NAMES)


async def test_a_job_of_a_change_that_failed_is_not_put(world: World) -> None:
    post = await open_post(world)

    def put_and_fail() -> None:
        post.queue.put(Letter(to="ann"), "ann")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await post.process.change(put_and_fail)
    await post.put("ben")

    assert await post.does("ben")
    assert post.delivered == ["ben"]


async def test_an_operator_retries_a_dead_job(world: World) -> None:
    is_open: list[bool] = []

    async def deliver(letter: Letter) -> None:
        if not is_open:
            raise RuleViolated("the office is closed")

    post = await open_post(world, deliver)
    await post.put("ann")
    await eventually(post.parked)

    is_open.append(True)
    assert await post.process.change(post.queue.lot.retry_dead) == 1
    post.queue.retry_soon()

    assert await post.does("ann")
    assert await post.parked() == []


async def test_leaving_finishes_what_is_in_hand(world: World) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(letter: Letter) -> None:
        begun.set()
        await go_on.wait()

    post = await open_post(world, wait)
    await post.put("ann")
    await begun.wait()

    leaving = asyncio.create_task(post.running.stop())
    asyncio.get_running_loop().call_later(0.3, go_on.set)
    await asyncio.wait_for(leaving, 20)

    assert post.delivered == ["ann"]
    assert await nothing_is_left(world)
    async with redis_client(world.redis) as client:
        assert await client.xinfo_consumers(stream_of("ann").key, GROUP) == []


async def test_what_is_done_while_leaving_is_noted(world: World) -> None:
    """Also where that takes longer than a job is waited for."""
    begun = asyncio.Event()

    async def take_a_while(letter: Letter) -> object:
        begun.set()
        await asyncio.sleep(0.3)
        return partial(time.sleep, 0.5)

    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr("mallbots_platform.work_queues.GRACE_SECONDS", 0.4)
        post = await open_post(world, take_a_while, claim_seconds=5)
        await post.put("ann")
        await begun.wait()
        await asyncio.wait_for(post.running.stop(), 20)

    post = await open_post(world, claim_seconds=0.3)
    await post.put("ben")
    assert await post.does("ann", "ben")
    assert post.delivered == ["ben"]


async def test_leaving_gives_up_what_takes_long(world: World) -> None:
    begun = asyncio.Event()

    async def hang(letter: Letter) -> None:
        begun.set()
        await asyncio.sleep(3600)

    post = await open_post(world, hang)
    await post.put("ann")
    await begun.wait()
    await asyncio.wait_for(post.running.stop(), 30)

    post = await open_post(world, claim_seconds=0.3)
    assert await post.does("ann")
    assert await eventually(lambda: nothing_is_left(world))
