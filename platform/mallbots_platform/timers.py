"""What is to happen later: rows with a due time, written with the change that wants them. No wake-up is lost."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from mallbots_platform.causes import Cause
from mallbots_platform.clock import microseconds, now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.errors import (
    AlreadyExists,
    Conflict,
    DatabaseAway,
    InvalidInput,
    NewerVersion,
    NotFound,
    RuleViolated,
    Unavailable,
    as_failure,
    words_of,
)
from mallbots_platform.ids import new_id
from mallbots_platform.messages import Contract, Upcaster
from mallbots_platform.readers import Readers
from mallbots_platform.requests import Requests
from mallbots_platform.suspects import Suspects
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import CONFLICT_RETRIES, Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, Span, TraceContext

LONGEST_SLEEP = 5.0
KEPT_SECONDS = 60.0
BATCH = 100
TimerHandler = Callable[[Any], object]


class DueTimer(NamedTuple):
    type: str
    key: str
    id: str
    due_at: int
    attempts: int
    data: str
    correlation_id: str
    traceparent: str
    causation_id: str
    data_version: int


class Timers:
    """At most one timer per type and key; setting it again moves it."""

    def __init__(
        self,
        context: str,
        writer: Writer,
        readers: Readers,
        requests: Requests,
        telemetry: Telemetry,
        pretended_releases: int = 0,
    ) -> None:
        self.trouble = ""
        self._context = context
        self._writer = writer
        self._readers = readers
        self._requests = requests
        self._telemetry = telemetry
        self._suspects = Suspects("timers", telemetry.meter)
        self._codec = Codec(own=True)
        self._pretended_releases = pretended_releases
        self._handlers: dict[str, TimerHandler] = {}
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
        self._writer.database.run(_SET, (*place, microseconds(due), 0, data, *told, wire.version, 0))
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
            for row in due:
                await self._writer.run(partial(self._fire, DueTimer(*row)))
        [(next_due,)] = await self._readers.run(lambda: database.run("SELECT MIN(due_at) FROM timers"))
        if next_due is None:
            return LONGEST_SLEEP
        return min(LONGEST_SLEEP, max(0.001, (int(next_due) - now_us()) / 1e6))

    def _fire(self, timer: DueTimer) -> None:
        """In one transaction: the timer is gone, its effect is there. A refusal is an effect; a failure is retried."""
        if not self._writer.database.change(_TAKE, (timer.type, timer.key, timer.id, timer.due_at)):
            return
        span, place = self._span(timer), timer[:3]
        with self._telemetry.tracer.use(span):
            try:
                if failure := self._suspects.verdict(*place):
                    raise failure
                self._carry_out(timer, Cause(timer.id, timer.correlation_id or timer.key, span.context))
            except (RuleViolated, NotFound, AlreadyExists, InvalidInput) as refusal:
                self._telemetry.log.info("timer refused", type=timer.type, key=timer.key, reason=str(refusal))
            except NewerVersion as newer:
                self._telemetry.log.info("timer kept", type=timer.type, key=timer.key, reason=str(newer))
                self._set_again(timer, KEPT_SECONDS, words_of(newer), kept=True)
            except DatabaseAway as away:
                self._suspects.accuse(away, *place)
                raise
            except BaseException as error:  # also one that would end the thread
                span.fail(as_failure(error))
                self._telemetry.log.warning("timer failed", exc_info=error, type=timer.type, key=timer.key)
                longest = min(30.0, 0.2 * 2.0 ** min(timer.attempts + 1, 20))
                self._set_again(timer, random.uniform(0, longest), words_of(error))
            else:
                self._suspects.acquit(*place)
        self._writer.after_commit(span.end)

    def _span(self, timer: DueTimer) -> Span:
        links = [TraceContext(timer.traceparent)] if timer.traceparent else []
        attributes = {"mallbots.timer.key": timer.key, "messaging.message.conversation_id": timer.correlation_id}
        return self._telemetry.tracer.span(
            f"timer {timer.type}", kind=Kind.INTERNAL, new_trace=True, links=links, attributes=attributes
        )

    def _carry_out(self, timer: DueTimer, cause: Cause) -> None:
        started, message = now_us(), self._message(timer)
        for retries in reversed(range(CONFLICT_RETRIES + 1)):
            try:
                with self._writer.savepoint(cause):
                    self._handlers[timer.type](message)
                    reached("timer: fired")
                    self._requests.note(
                        timer.id, f"timer {timer.type}", cause.correlation_id, started, timer.causation_id
                    )
                return
            except Conflict:
                if not retries:
                    raise

    def _message(self, timer: DueTimer) -> Any:
        """Raises LookupError for one that makes no sense here: a refusal would end it, and another program may read it.
        Raises NewerVersion."""
        try:
            return self._codec.decode(timer.type, timer.data_version, timer.data)
        except InvalidInput as error:
            raise LookupError(str(error)) from error

    def _set_again(self, timer: DueTimer, pause: float, error: str, *, kept: bool = False) -> None:
        """What is kept waits for a later program, and that is no failure. It is tried at each start, for that may be
        one, and now and then, for one may run beside."""
        due_at, attempts = now_us() + round(pause * 1_000_000), timer.attempts + (not kept)
        told = (timer.data, timer.correlation_id, timer.traceparent, error, timer.causation_id, timer.data_version)
        self._writer.database.run(_SET, (*timer[:3], due_at, attempts, *told, int(kept)))

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._changed.set)


_SET = """
    INSERT INTO timers (type, key, id, due_at, attempts, data, correlation_id, traceparent, error, causation_id,
                        data_version, kept)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (type, key) DO UPDATE SET id = excluded.id, due_at = excluded.due_at, attempts = excluded.attempts,
        data = excluded.data, correlation_id = excluded.correlation_id, traceparent = excluded.traceparent,
        error = excluded.error, causation_id = excluded.causation_id, data_version = excluded.data_version,
        kept = excluded.kept
"""
_DUE = """
    SELECT type, key, id, due_at, attempts, data, correlation_id, traceparent, causation_id, data_version FROM timers
    WHERE due_at <= ? ORDER BY due_at LIMIT ?
"""
_TRY_KEPT = "UPDATE timers SET due_at = ? WHERE kept = 1"
_TAKE = "DELETE FROM timers WHERE type = ? AND key = ? AND id = ? AND due_at = ?"
