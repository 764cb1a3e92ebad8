"""A process and its memory: the collector leaves alone what stays, and what is free goes back to the system."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

GIVE_BACK_SECONDS = 30.0


def settle_memory() -> None:
    """What a process is made of stays: the collector need not look at it again, nor at each batch several times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


async def give_back_memory() -> None:
    """Every so often, without end. Where little happens, the collector comes once in many minutes; and of a peak, such
    as a stream that was filled again, glibc's malloc keeps what is free between what is in use. Some milliseconds."""
    trim = _malloc_trim()
    while True:
        await asyncio.sleep(GIVE_BACK_SECONDS)
        gc.collect()
        trim(0)


def _malloc_trim() -> Callable[[int], object]:
    """malloc_trim(3), which takes how many bytes to keep at the top."""
    found: Callable[[int], object] = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)
    return found
