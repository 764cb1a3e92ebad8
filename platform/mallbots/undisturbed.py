"""Work that comes to its end, also when who asked for it is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def undisturbed(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
