"""Waiting for a signal, but not for ever."""

import asyncio
import contextlib


async def signalled(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set or the time is over, whichever comes first; the event is cleared.

    Not `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that comes together with the signal, so that
    a process that is told to leave would stay.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
