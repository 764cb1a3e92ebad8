"""One attempt at a job: run its handler outside of any transaction, write down what came of it, and show it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from mallbots_platform.causes import Cause
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import about
from mallbots_platform.errors import (
    AlreadyExists,
    Conflict,
    DatabaseAway,
    InvalidInput,
    NewerVersion,
    NotFound,
    RuleViolated,
    Unavailable,
)
from mallbots_platform.job_ledger import Attempt, Job, JobLedger
from mallbots_platform.job_streams import Entry
from mallbots_platform.outbox import message_attributes
from mallbots_platform.receiving import receive_span
from mallbots_platform.suspects import Suspects
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, Span, TraceContext

T = TypeVar("T")
JobHandler = Callable[[Any], Awaitable[object]]
EXPECTED = (InvalidInput, NewerVersion, RuleViolated, NotFound, Conflict)
PAUSE_SECONDS = 0.5


class Patience:
    """Waits for a database that is away: no job is done again, and none is given up, because of that."""

    def __init__(self, group: str) -> None:
        self.trouble = ""
        self._group = group

    async def __call__(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                answer = await ask()
                self.trouble = ""
                return answer
            except Unavailable as error:
                self.trouble = f"{self._group} waits for its database: {error}"
                await asyncio.sleep(PAUSE_SECONDS)


class JobAttempts:
    """`noting` are those who have done a job and write that down."""

    def __init__(
        self,
        group: str,
        handlers: Mapping[str, JobHandler],
        writer: Writer,
        codec: Codec,
        ledger: JobLedger,
        telemetry: Telemetry,
        *,
        patiently: Patience,
        longest_seconds: float,
    ) -> None:
        self._group = group
        self._handlers = handlers
        self._writer = writer
        self._codec = codec
        self._ledger = ledger
        self._telemetry = telemetry
        self._patiently = patiently
        self._longest_seconds = longest_seconds
        self.noting: set[asyncio.Task[Any] | None] = set()
        self._suspects = Suspects(group, telemetry.meter)
        self._gaps = telemetry.meter.counter("mallbots_stream_gaps_detected_total", group=group)
        self._healed = telemetry.meter.counter("mallbots_stream_gaps_healed_total", group=group)

    async def make(self, job: Job, receive: TraceContext | None = None) -> bool:
        """Whether it was done."""
        attempt, started = Attempt(self._span(job, receive)), time.perf_counter_ns()
        with attempt.span:
            try:
                then = await self._call(job)
                attempt.handler_us = (time.perf_counter_ns() - started) // 1000
                await self._note(job, attempt, then)
                return True
            except Exception as error:  # whatever it was, the job is tried again, or buried with the reason
                await self._note_failure(job, attempt, error)
                return False

    async def give_up(self, job: Job, reason: str) -> None:
        """Without another attempt."""
        attempt = Attempt(self._span(job, None))
        with attempt.span:
            await self._note_failure(job, attempt, RuleViolated(reason))

    def receive_span(self, entries: Sequence[Entry]) -> TraceContext:
        """For what was read together, with a link to each."""
        stream = entries[0].stream
        return receive_span(self._telemetry.tracer, self._group, f"{stream.source}.{stream.channel}", entries)

    def show_gap(self, stream: str, seq: int, reason: str, *, healed: bool = False) -> None:
        """A job whose entry is not there, or another one's; healed, where the log says what it is."""
        self._gaps.inc()
        if healed:
            self._healed.inc()
        self._telemetry.log.warning("gap found", stream=stream, group=self._group, after=seq - 1, reason=reason)

    async def _call(self, job: Job) -> Callable[[], object] | None:
        """What the job still wants to be changed, if anything."""
        envelope = job.envelope
        handler = self._handlers.get(envelope.type)
        if handler is None:
            raise NewerVersion(f"{self._group} does no {envelope.type}")
        message = self._codec.decode(envelope.type, envelope.dataversion, envelope.data)
        try:
            async with asyncio.timeout(self._longest_seconds) as limit:
                then = await handler(message)
        except AlreadyExists:
            then = None
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimeoutError(f"it took longer than {self._longest_seconds:g} seconds") from error
        reached("job: done")
        return then if callable(then) else None

    async def _note(self, job: Job, attempt: Attempt, then: Callable[[], object] | None) -> None:
        """It is done: whoever leaves waits for it to be noted, or it would be done again."""
        cause = Cause(job.envelope.id, job.envelope.correlationid, attempt.span.context)
        done, task = partial(self._note_done, job, attempt, then), asyncio.current_task()
        self.noting.add(task)
        try:
            await self._patiently(lambda: self._writer.run(done, cause))
        finally:
            self.noting.discard(task)

    def _note_done(self, job: Job, attempt: Attempt, then: Callable[[], object] | None) -> None:
        """What the job wants to be changed may fail like any other attempt: only a database that is away is waited
        for, and not for ever by one that loses it each time."""
        if failure := self._suspects.verdict(job.stream, job.seq):
            raise failure
        try:
            self._ledger.done(job, attempt, then)
        except DatabaseAway as away:
            self._suspects.accuse(away, job.stream, job.seq)
            raise
        except Unavailable as error:
            raise RuntimeError(f"what the job has led to cannot be noted: {error}") from error
        self._suspects.acquit(job.stream, job.seq)

    async def _note_failure(self, job: Job, attempt: Attempt, error: Exception) -> None:
        attempt.span.fail(error)
        if not isinstance(error, EXPECTED):
            self._log(job, error)
        failed = partial(self._ledger.failed, job, attempt, error)
        await self._patiently(lambda: self._writer.run(failed))

    def _span(self, job: Job, receive: TraceContext | None) -> Span:
        envelope = job.envelope
        created = TraceContext(envelope.traceparent, envelope.tracestate, envelope.baggage)
        attributes = message_attributes(envelope, "process") | {"messaging.consumer.group.name": self._group}
        links = [receive] if receive else []
        name = f"process {envelope.type}"
        return self._telemetry.tracer.span(name, kind=Kind.CONSUMER, parent=created, links=links, attributes=attributes)

    def _log(self, job: Job, error: Exception) -> None:
        told = about(job.envelope, self._group, job.attempt)
        self._telemetry.log.warning("job failed", exc_info=error, **told)
