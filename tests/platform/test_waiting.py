import asyncio

import pytest

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.streams import open_redis
from mallbots_platform.waiting import signalled


async def test_a_signal_ends_the_wait() -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(signalled(event, 60))
    await asyncio.sleep(0)

    event.set()
    await waiting

    assert not event.is_set()


async def test_time_ends_the_wait() -> None:
    event = asyncio.Event()

    await signalled(event, 0.01)

    assert not event.is_set()


async def test_being_told_to_leave_wins_over_a_signal() -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(signalled(event, 60))
    await asyncio.sleep(0)

    event.set()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_being_told_to_leave_wins_over_the_end_of_a_command_to_redis(redis_server: EmbeddedRedis) -> None:
    client = open_redis(redis_server.url)

    async def busy() -> None:
        while True:
            await client.ping()

    try:
        for turns in [*range(12)] * 25:
            task = asyncio.create_task(busy())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            ended, _ = await asyncio.wait([task], timeout=5.0)
            assert ended
    finally:
        await client.aclose()
