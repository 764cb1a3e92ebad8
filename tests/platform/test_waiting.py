import asyncio

import pytest

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
