"""One life after the other over one database: parked messages and timers, some of which end whoever tries them."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import msgspec

from mallbots_platform.clock import now
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.envelope import Envelope, encode_envelope
from mallbots_platform.errors import OutcomeUnknown
from mallbots_platform.handling import Handling, Route
from mallbots_platform.inbox import Inbox
from mallbots_platform.leases import Fence
from mallbots_platform.messages import Contract, command
from mallbots_platform.parking import ParkingLot, RetryPolicy
from mallbots_platform.retrying import Retrying
from mallbots_platform.timers import Timers
from tests.support.parts import Parts
from tests.support.past_world import SOURCE, STREAM, Said, envelope, metadata
from tests.support.world import eventually

FENCE = Fence("own/0", 0, 1)


@command
class Wake:
    number: int


class Life(AbstractAsyncContextManager["Life"]):
    """Whoever handles a `deadly` number dies of it; and of its commit number `last`, which is kept or not. Nothing that
    follows a death is committed."""

    def __init__(self, url: str, deadly: Collection[int] = (), last: tuple[int, bool] | None = None, limit: int = 3):
        self.parts = Parts(url, Contract(context="own"), partitions=1)
        self.died = asyncio.Event()
        self._deadly = deadly
        self._last = last
        self._limit = limit
        self._commits = 0

    async def __aenter__(self) -> "Life":
        await self.parts.__aenter__()
        parts = self.parts
        parts.codec.know(SOURCE)
        parts.database.create(metadata)
        parts.database.run("INSERT INTO fences VALUES ('own/0', 1, 'me') ON CONFLICT DO NOTHING")
        parts.database.run("CREATE TABLE IF NOT EXISTS woken (number INTEGER NOT NULL)")
        notes = CrashNotes(parts.database, self._limit)
        self.timers = Timers("own", parts.writer, parts.readers, parts.requests, parts.telemetry, notes)
        self.timers.handle({Wake: self.wake})
        self.lot = ParkingLot("own", parts.database, RetryPolicy(base_seconds=0, cap_seconds=0))
        handling = Handling("own", parts.writer, parts.outbox, parts.codec, parts.telemetry)
        inbox = Inbox("own", parts.writer, handling, self.lot, parts.telemetry)
        attempts = inbox.attempts({STREAM: Route("source", "events", {"source.Said": self.hear})}, lambda _: FENCE)
        self.retrying = Retrying(
            *("own", self.lot, attempts, notes, parts.writer, parts.readers),
            owned=lambda: [STREAM],
            lose=lambda partition: None,
        )
        self._commit = parts.database.commit
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.parts.__aexit__(*exception)

    def park(self, numbers: Iterable[int], key_of: Callable[[int], str]) -> None:
        """Each waits for its next attempt, or behind another one of its key."""
        keys = set[str]()
        for number in numbers:
            said = msgspec.structs.replace(envelope(number, number, "epoch", None), subject=key_of(number))
            raw = encode_envelope(said).decode()
            if said.subject in keys:
                self.lot.queue(STREAM, number, said, raw, 0)
            else:
                self.lot.park(STREAM, number, said, raw, "at first", 0)
            keys.add(said.subject)

    def set_timers(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.timers.set(Wake(number=number), str(number), now() - timedelta(seconds=1))

    async def live(self) -> bool:
        """Until nothing is left to be tried; False: it died before."""
        self.parts.database.commit = self.commit  # type: ignore[method-assign] # from now on it may die
        loops = [asyncio.ensure_future(each) for each in (self.retrying.run(), self.timers.run())]
        try:
            await eventually(lambda: self.died.is_set() or self.has_done_all(), seconds=20)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
        return not self.died.is_set()

    async def has_done_all(self) -> bool:
        waiting = await self.parts.rows("SELECT 1 FROM parked WHERE state = 'waiting'")
        due = await self.parts.rows("SELECT 1 FROM timers WHERE due_at < ?", 1 << 61)
        return not (waiting or due)

    def hear(self, said: Said, envelope: Envelope) -> None:
        self._survive(said.number)
        self.parts.database.run("INSERT INTO heard (id, seq) VALUES (?, ?)", (envelope.id, envelope.sequence))

    def wake(self, timer: Wake) -> None:
        self._survive(timer.number)
        self.parts.database.run("INSERT INTO woken (number) VALUES (?)", (timer.number,))

    def commit(self) -> None:
        self._commits += 1
        if self._last and self._commits == self._last[0] and not self.died.is_set():
            if self._last[1]:
                self._commit()
            self._die()
        if self.died.is_set():
            raise OutcomeUnknown("it died")
        self._commit()

    def _survive(self, number: int) -> None:
        if number in self._deadly:
            self._die()

    def _die(self) -> None:
        self.died.set()
        raise OutcomeUnknown("it died")
