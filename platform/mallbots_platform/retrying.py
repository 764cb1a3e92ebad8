"""The loop of one group that gives parked messages their next attempts."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from mallbots_platform.clock import now_us
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.due_again import DueAgain
from mallbots_platform.errors import Unavailable
from mallbots_platform.leases import LeaseLost
from mallbots_platform.parked_attempts import ParkedAttempts
from mallbots_platform.parking import ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import Writer

PAUSE_SECONDS = 0.5
IDLE_SECONDS = 5.0
MOST_TOGETHER = 100


class Retrying:
    """`owned` are the streams that are this process' now; whoever has lost a partition hears of it by `lose`."""

    def __init__(
        self,
        group: str,
        lot: ParkingLot,
        attempts: ParkedAttempts,
        notes: CrashNotes,
        writer: Writer,
        readers: Readers,
        owned: Callable[[], Iterable[StreamName]],
        lose: Callable[[int], object],
    ) -> None:
        self._group = group
        self._lot = lot
        self._attempts = attempts
        self._notes = notes
        self._writer = writer
        self._readers = readers
        self._owned = owned
        self._lose = lose
        self._lanes: dict[int, DueAgain[ParkedMessage]] = {}
        self._now = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                pause = await self._retry_due()
            except LeaseLost as lost:
                self._lose(lost.partition)
                continue
            except Unavailable:
                pause = PAUSE_SECONDS
            if pause > 0:
                await signalled(self._now, pause)

    def soon(self) -> None:
        """Something was parked, or released by an operator, or has become this process'."""
        self._now.set()

    async def _retry_due(self) -> float:
        """Seconds until it is worth looking again."""
        owned = list(self._owned())
        due = await self._readers.run(partial(self._lot.due, owned))
        for partition in {each.partition for each in due}:
            some = [each for each in due if each.partition == partition]
            await self._lane(partition).attempt(some[:MOST_TOGETHER])
        next_due_at = await self._readers.run(partial(self._lot.next_due_at, owned))
        if next_due_at is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.005, (next_due_at - now_us()) / 1e6))

    def _lane(self, partition: int) -> DueAgain[ParkedMessage]:
        """Each partition has its own: whoever owns it is the only one that tries."""
        if partition not in self._lanes:
            lane = f"{self._group} parked {partition}"
            self._lanes[partition] = DueAgain(lane, self._attempts, self._notes, self._writer)
        return self._lanes[partition]
