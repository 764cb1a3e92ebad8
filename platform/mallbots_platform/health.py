"""How a process is: whether it turns, whether it can answer calls, and what else is wrong with it.

Looked at by the event loop every second and kept as it was found, so that another thread can tell it at any time. What
only delays effects, Redis before all, makes nothing unready: orders are still taken.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from mallbots_platform.whereabouts import is_at_database, place_of

if TYPE_CHECKING:
    from mallbots_platform.process import Process

EVERY_SECONDS = 1.0
LATE_SECONDS = 5.0
STUCK_SECONDS = 60.0
DATABASE_SECONDS = 2.0
QUEUE_SECONDS = 5.0
REFUSED_SECONDS = 5.0


class Health:
    """`hindrance` is what stands in the way of all calls besides the database, such as that the process leaves."""

    def __init__(self, process: "Process") -> None:
        self.hindrance = "it is starting"
        self._process = process
        self._turned_at = time.monotonic()
        self._troubles: tuple[str, ...] = ()
        self._queued_since: float | None = None
        self._asking_since: float | None = None
        self._asked_in_vain = ""
        self._asking: asyncio.Future[None] | None = None
        self._gauge = process.meter.gauge("mallbots_ready")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY_SECONDS)

    def look(self) -> None:
        self._turned_at = now = time.monotonic()
        self._troubles = tuple(self._process.troubles)
        waited = self._process.writer.oldest_seconds
        self._queued_since = now - waited if waited else None
        if self._asking is None or self._asking.done():
            self._asking_since = now
            self._asking = asyncio.ensure_future(self._ask())
        self._gauge.set(not self.ready())

    # What other threads ask; each answers with complaints

    @property
    def is_late(self) -> bool:
        """Whether the event loop has not turned for a while."""
        return time.monotonic() - self._turned_at > LATE_SECONDS

    def live(self) -> list[str]:
        """Whether loop and threads turn; who waits for a database does."""
        now, process = time.monotonic(), self._process
        found = []
        if now - self._turned_at > STUCK_SECONDS:
            found.append(f"the event loop has not turned for {now - self._turned_at:.0f} s")
        for thread, since in (*process.writer.at_work, *process.readers.at_work):
            if now - since > STUCK_SECONDS and not is_at_database(thread):
                found.append(f"a thread has been at one thing for {now - since:.0f} s: {place_of(thread)}")
        return found

    def ready(self) -> list[str]:
        """Whether calls can be answered."""
        now, refused = time.monotonic(), self._process.writer.refused
        found = [self.hindrance, self._asked_in_vain]
        if self.is_late:
            found.append(f"the event loop has not turned for {now - self._turned_at:.0f} s")
        if (asking := _seconds(now, self._asking_since)) > DATABASE_SECONDS:
            found.append(f"nothing could be read for {asking:.0f} s")
        if (queued := _seconds(now, self._queued_since)) > QUEUE_SECONDS:
            found.append(f"what was to be written first has waited for {queued:.0f} s")
        if refused and now - refused.at < REFUSED_SECONDS:
            found.append(f"nothing can be written: {refused.reason}")
        return [complaint for complaint in found if complaint]

    def healthy(self) -> list[str]:
        """All that is wrong."""
        return list(dict.fromkeys((*self.ready(), *self._troubles)))

    async def _ask(self) -> None:
        database = self._process.database
        try:
            await self._process.readers.run(lambda: database.run("SELECT 1 FROM platform_facts LIMIT 1"))
            self._asked_in_vain = ""
        except Exception as error:  # whatever it is, a call would come to it as well
            self._asked_in_vain = f"nothing can be read: {error}"
        finally:
            self._asking_since = None


def _seconds(now: float, since: float | None) -> float:
    return 0.0 if since is None else now - since
