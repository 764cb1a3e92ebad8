"""One attempt at one message: read it, run its handler in a savepoint, say what became of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Table

from mallbots_platform.causes import Cause
from mallbots_platform.clock import now_us
from mallbots_platform.codec import Codec
from mallbots_platform.envelope import Envelope, about
from mallbots_platform.errors import (
    AlreadyExists,
    Conflict,
    DatabaseAway,
    InvalidInput,
    NewerVersion,
    NotFound,
    RuleViolated,
    as_failure,
    words_of,
)
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.outbox import Outbox, message_attributes
from mallbots_platform.partitions import StreamName, replies_for
from mallbots_platform.suspects import LosesConnection, Suspects
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, Span, TraceContext

Handler = Callable[[Any, Envelope], Any]
PERMANENT = (InvalidInput, RuleViolated)
SLOW_US = 1_000_000
REFUSALS = (InvalidInput, RuleViolated, NotFound)


class Outcome(StrEnum):
    APPLIED = "applied"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    RETRIED = "retried"
    NEWER = "newer"
    PARKED = "parked"
    DEAD = "dead"


@dataclass(slots=True)
class Received:
    """A message as it came out of a stream or a log; times in microseconds since the epoch. What is `gone` was read
    before, and is no longer in its stream."""

    seq: int
    raw: bytes | str
    published_at: int
    received_at: int
    receive: TraceContext | None = None
    replayed: bool = False
    entry_id: bytes = b""
    unreadable: bool = False
    gone: bool = False


@dataclass(slots=True)
class Attempt:
    """`until` then, in microseconds since the epoch, there are others, however many, and the last one then."""

    outcome: Outcome
    error: str
    error_type: str
    handler_us: int
    span: Span
    until: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """What a group does with one channel of one source: a handler per wire name, and whether it replies. Where it
    `projects`, its handlers fill these tables and do nothing else."""

    source: str
    channel: str
    handlers: Mapping[str, Handler]
    replies: bool = False
    projects: tuple[Table, ...] = ()


class Handling:
    """Runs in the writer's thread."""

    def __init__(
        self,
        group: str,
        writer: Writer,
        outbox: Outbox,
        codec: Codec,
        telemetry: Telemetry,
        disturb: Callable[[], None] = lambda: None,
    ) -> None:
        self.suspects = Suspects(group, telemetry.meter)
        self._group = group
        self._writer = writer
        self._outbox = outbox
        self._codec = codec
        self._telemetry = telemetry
        self._disturb = disturb

    def attempt(self, route: Route, stream: StreamName, envelope: Envelope, entry: Received, number: int) -> Attempt:
        """Raises only what says that the database is away, unless it says so at this message again and again;
        everything else becomes an outcome."""
        span = self._span(envelope, entry)
        handler = route.handlers.get(envelope.type)
        if handler is None:
            return _unheard(route, envelope, span)
        started = time.perf_counter_ns()
        try:
            error = self.suspects.verdict(stream, entry.seq) or self._run(handler, route, envelope, span)
        except DatabaseAway as away:
            self.suspects.accuse(away, stream, entry.seq)
            raise
        if not isinstance(error, LosesConnection):
            self.suspects.acquit(stream, entry.seq)
        handler_us = (time.perf_counter_ns() - started) // 1000
        if handler_us > SLOW_US:
            self._log_slowness(span, handler_us / 1e6, about(envelope, self._group, number))
        if error is None:
            return Attempt(Outcome.APPLIED, "", "", handler_us, span)
        if isinstance(error, NewerVersion):
            return Attempt(Outcome.NEWER, words_of(error), NewerVersion.__name__, handler_us, span)
        span.fail(error)
        if not isinstance(error, (*PERMANENT, NotFound, Conflict)):
            self._log_failure(span, error, about(envelope, self._group, number))
        outcome = Outcome.DEAD if isinstance(error, PERMANENT) else Outcome.PARKED
        until = envelope.answer_by_us if route.replies and isinstance(error, NotFound) else 0
        return Attempt(outcome, words_of(error), type(error).__name__, handler_us, span, until)

    def _run(self, handler: Handler, route: Route, envelope: Envelope, span: Span) -> Exception | None:
        cause = Cause(envelope.id, envelope.correlationid, span.context)
        try:
            message = self._codec.decode(envelope.type, envelope.dataversion, envelope.data)
            with self._telemetry.tracer.use(span):
                self._disturb()
                self._writer.until_no_conflict(partial(self._carry_out, handler, route, message, envelope), cause)
        except AlreadyExists:
            if route.replies:
                self._reply(envelope, cause, Accepted())
        except REFUSALS as refusal:
            if not route.replies or _may_yet_be_known(refusal, envelope):
                return refusal
            self._reply(envelope, cause, _refused(refusal))
            return None
        except DatabaseAway:
            raise
        except BaseException as error:  # also one that would end the thread
            return as_failure(error)
        return None

    def _carry_out(self, handler: Handler, route: Route, message: object, envelope: Envelope) -> None:
        values = handler(message, envelope)
        if route.replies:
            self._record_reply(envelope, Accepted(values=dict(values or {})))

    def _reply(self, envelope: Envelope, cause: Cause, reply: Accepted | Refused) -> None:
        with self._writer.savepoint(cause):
            self._record_reply(envelope, reply)

    def _record_reply(self, envelope: Envelope, reply: Accepted | Refused) -> None:
        channel = replies_for(envelope.source)
        self._outbox.record(reply, key=envelope.subject, channel=channel, correlation_id=envelope.correlationid)

    def _span(self, envelope: Envelope, entry: Received) -> Span:
        created = TraceContext(envelope.traceparent, envelope.tracestate, envelope.baggage)
        received = [entry.receive] if entry.receive else []
        name = f"process {envelope.type}"
        tracer = self._telemetry.tracer
        if entry.replayed:
            span = tracer.span(name, kind=Kind.CONSUMER, new_trace=True, links=[created])
        else:
            span = tracer.span(name, kind=Kind.CONSUMER, parent=created, links=received)
        if span.is_recording():
            span.note(message_attributes(envelope, "process") | {"messaging.consumer.group.name": self._group})
        return span

    def _log_slowness(self, span: Span, seconds: float, about: Mapping[str, Any]) -> None:
        with self._telemetry.tracer.use(span):
            self._telemetry.log.warning("message took long", seconds=seconds, **about)

    def _log_failure(self, span: Span, error: Exception, about: Mapping[str, Any]) -> None:
        with self._telemetry.tracer.use(span):
            self._telemetry.log.warning("message failed", exc_info=error, **about)


def _refused(refusal: Exception) -> Refused:
    is_unknown = isinstance(refusal, NotFound)
    return Refused(code=type(refusal).__name__, reason=words_of(refusal), not_found=is_unknown)


def _may_yet_be_known(refusal: Exception, command: Envelope) -> bool:
    """What tells of it may be under way; that is waited for until the answer is due."""
    return isinstance(refusal, NotFound) and now_us() < command.answer_by_us


def _unheard(route: Route, envelope: Envelope, span: Span) -> Attempt:
    """Events that nobody here listens to are no concern of ours; commands are meant for us: a later program knows
    them."""
    if not route.replies:
        return Attempt(Outcome.IGNORED, "", "", 0, span)
    return Attempt(Outcome.NEWER, f"no {envelope.type} is carried out here", NewerVersion.__name__, 0, span)
