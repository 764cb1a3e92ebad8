"""What is to happen later: rows with a due time, written with the change that wants them. No wake-up is lost."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from mallbots_platform.clock import microseconds, now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.due_again import DueAgain
from mallbots_platform.due_timers import SET, DueTimer, DueTimers, TimerHandler
from mallbots_platform.errors import Unavailable
from mallbots_platform.ids import new_id
from mallbots_platform.messages import Contract, Upcaster
from mallbots_platform.readers import Readers
from mallbots_platform.requests import Requests
from mallbots_platform.timers_aside import REPLACED, TimersAside
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

LONGEST_SLEEP = 5.0
BATCH = 100


class Timers:
    """At most one timer per type and key; setting it again moves it."""

    def __init__(
        self,
        context: str,
        writer: Writer,
        readers: Readers,
        requests: Requests,
        telemetry: Telemetry,
        notes: CrashNotes,
        pretended_releases: int = 0,
    ) -> None:
        self.trouble = ""
        self.lot = TimersAside(context, writer.database)
        self._context = context
        self._writer = writer
        self._readers = readers
        self._codec = Codec(own=True)
        self._pretended_releases = pretended_releases
        self._handlers: dict[str, TimerHandler] = {}
        attempts = DueTimers(self._handlers, self._codec, writer, requests, self.lot, telemetry)
        self._going_off = DueAgain("timers", attempts, notes, writer)
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def handle(
        self,
        handlers: Mapping[type, TimerHandler],
        versions: Mapping[type, int] = MappingProxyType({}),
        upcasters: Mapping[tuple[str, int], Upcaster] = MappingProxyType({}),
    ) -> None:
        """Say what happens when a timer of each type is due; how its versions are read, as in a contract."""
        contract = Contract(context=self._context, commands=tuple(handlers), versions=versions, upcasters=upcasters)
        self._codec.know(contract.later(self._pretended_releases))
        self._handlers.update({contract.wire_name(kind): handler for kind, handler in handlers.items()})

    def set(self, timer: object, key: str, due: datetime) -> None:
        """Part of the transaction of the piece that runs."""
        cause, wire = self._writer.cause, self._codec.wire(type(timer))
        place, data = (wire.name, key, new_id()), self._codec.encode(timer).decode()
        told = (cause.correlation_id, cause.trace.traceparent, "", cause.causation_id)
        self._writer.database.run(SET, (*place, microseconds(due), 0, data, *told, wire.version, 0))
        self._writer.effects += 1
        self._writer.after_commit(self._wake)

    def cancel(self, timer_type: type, key: str) -> None:
        name = self._codec.wire(timer_type).name
        self._writer.database.run("DELETE FROM timers WHERE type = ? AND key = ?", (name, key))

    async def run(self) -> None:
        """Fire what is due, until cancelled."""
        tried_kept = False
        while True:
            try:
                if not tried_kept:
                    await self._writer.run(partial(self._writer.database.run, _TRY_KEPT, (now_us(),)))
                    tried_kept = True
                pause = await self._fire_due()
                self.trouble = ""
            except Unavailable as error:
                self.trouble, pause = f"timers cannot fire: {error}", 0.5
            await signalled(self._changed, pause)

    async def _fire_due(self) -> float:
        """Seconds until the next one is due."""
        database = self._writer.database
        while due := await self._readers.run(lambda: database.run(_DUE, (now_us(), BATCH))):
            await self._going_off.attempt([DueTimer(*row) for row in due])
        [(next_due, has_replaced)] = await self._readers.run(lambda: database.run(_NEXT_DUE, (self.lot.group,)))
        if has_replaced:
            await self._writer.run(self.lot.forget_replaced)
        if next_due is None:
            return LONGEST_SLEEP
        return min(LONGEST_SLEEP, max(0.001, (int(next_due) - now_us()) / 1e6))

    def retry_soon(self) -> None:
        """An operator has let some go."""
        self._changed.set()

    def discard(self, id: int) -> None:
        self.lot.discard(id)

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._changed.set)


_DUE = """
    SELECT type, key, id, due_at, attempts, data, correlation_id, traceparent, causation_id, data_version FROM timers
    WHERE due_at <= ? ORDER BY due_at LIMIT ?
"""
_TRY_KEPT = "UPDATE timers SET due_at = ? WHERE kept = 1"
_NEXT_DUE = f"SELECT MIN(due_at), EXISTS (SELECT 1 FROM parked WHERE {REPLACED}) FROM timers"
