"""A process that is told to leave is gone in time, whatever does not come to an end; and can say what that is."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

GONE_SECONDS = 9.0  # all of it together; see `last_resort`


class Leaving:
    def __init__(self, log: Any) -> None:
        self.waits_for: list[str] = []
        self._log = log
        self._gone_by = 0.0

    def begin(self) -> bool:
        """Whether it is the first time: from then on it counts."""
        if self._gone_by:
            return False
        self._gone_by = time.monotonic() + GONE_SECONDS
        return True

    async def within(self, seconds: float, what: str, end: Awaitable[object]) -> bool:
        """Whether it has ended. A process that is told to leave does, though one of its libraries should never come to
        an end, nor all of them together in time."""
        seconds = max(0.05, min(seconds, self._gone_by - time.monotonic()))
        self.waits_for.append(what)
        try:
            async with asyncio.timeout(seconds):
                await end
            return True
        except TimeoutError:
            self._log.warning("left unfinished", what=what, seconds=seconds)
            return False
        finally:
            self.waits_for.remove(what)
