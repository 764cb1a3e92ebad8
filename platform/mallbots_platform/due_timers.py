"""A timer whose time has come goes off: in one transaction it is gone, and its effect is there."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mallbots_platform.causes import Cause
from mallbots_platform.clock import now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.errors import (
    AlreadyExists,
    DatabaseAway,
    InvalidInput,
    NewerVersion,
    NotFound,
    RuleViolated,
    as_failure,
    words_of,
)
from mallbots_platform.requests import Requests
from mallbots_platform.suspects import Suspects
from mallbots_platform.timers_aside import TimersAside
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, Span, TraceContext

KEPT_SECONDS = 60.0
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


class DueTimers:
    """Attempts at timers, in the writer's thread. `handlers` may still be added to."""

    def __init__(
        self,
        handlers: Mapping[str, TimerHandler],
        codec: Codec,
        writer: Writer,
        requests: Requests,
        aside: TimersAside,
        telemetry: Telemetry,
    ) -> None:
        self._handlers = handlers
        self._codec = codec
        self._writer = writer
        self._requests = requests
        self._aside = aside
        self._telemetry = telemetry
        self._suspects = Suspects("timers", telemetry.meter)

    def apart(self, timers: list[DueTimer]) -> Iterator[list[DueTimer]]:
        """What may share a transaction."""
        return self._suspects.apart(timers, (each[:3] for each in timers))

    def attempt(self, timer: DueTimer) -> None:
        """A refusal is an effect; a failure is retried."""
        if not self._writer.database.change(_TAKE, timer[:4]):
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

    def set_aside(self, timer: DueTimer, deaths: int) -> None:
        """The process died each time it went off: an operator has to decide."""
        if self._aside.put(timer, f"the process died {deaths} times when it went off"):
            self._telemetry.log.error("timer set aside", type=timer.type, key=timer.key, deaths=deaths)

    def _span(self, timer: DueTimer) -> Span:
        links = [TraceContext(timer.traceparent)] if timer.traceparent else []
        attributes = {"mallbots.timer.key": timer.key, "messaging.message.conversation_id": timer.correlation_id}
        return self._telemetry.tracer.span(
            f"timer {timer.type}", kind=Kind.INTERNAL, new_trace=True, links=links, attributes=attributes
        )

    def _carry_out(self, timer: DueTimer, cause: Cause) -> None:
        started, message = now_us(), self._message(timer)

        def go_off() -> None:
            self._handlers[timer.type](message)
            reached("timer: fired")
            self._requests.note(timer.id, f"timer {timer.type}", cause.correlation_id, started, timer.causation_id)

        self._writer.until_no_conflict(go_off, cause)

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
        self._writer.database.run(SET, (*timer[:3], due_at, attempts, *told, int(kept)))


SET = """
    INSERT INTO timers (type, key, id, due_at, attempts, data, correlation_id, traceparent, error, causation_id,
                        data_version, kept)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (type, key) DO UPDATE SET id = excluded.id, due_at = excluded.due_at, attempts = excluded.attempts,
        data = excluded.data, correlation_id = excluded.correlation_id, traceparent = excluded.traceparent,
        error = excluded.error, causation_id = excluded.causation_id, data_version = excluded.data_version,
        kept = excluded.kept
"""
_TAKE = "DELETE FROM timers WHERE type = ? AND key = ? AND id = ? AND due_at = ?"
