"""The gapless log of what a context says, written in the same transaction as the change it tells of.

Every message of a channel and partition has the next number, without holes; numbers are given right before the commit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from mallbots_platform.aggregates import Recorder
from mallbots_platform.clock import now_us, rfc3339
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.envelope import Envelope, encode_envelope
from mallbots_platform.ids import new_id
from mallbots_platform.numbers import Numbering, Numbers, Place
from mallbots_platform.partitions import EVENTS, partition_of
from mallbots_platform.writer import Writer
from telemetry.facts import Fact, Tell, nobody_listens
from telemetry.tracing import Kind, Span, TraceContext, Tracer

PublishedEvents = Callable[[Any, Any], Iterable[object]]
Heads = Mapping[Place, int]
Listener = Callable[[object, "Draft"], None]


@dataclass(slots=True)
class Draft:
    """A message that was recorded and has no number yet."""

    channel: str
    partition: int
    id: str
    type: str
    version: int
    key: str
    correlation_id: str
    causation_id: str
    data: bytes
    span: Span
    answer_by: str = ""


class Outbox:
    """Where a context's messages are recorded. Once they are committed, `tell` hears which events there were, and
    `on_commit` the new heads, both in the writer's thread."""

    def __init__(
        self,
        context: str,
        partitions: int,
        writer: Writer,
        codec: Codec,
        tracer: Tracer,
        tell: Tell = nobody_listens,
    ) -> None:
        self.context = context
        self.partitions = partitions
        self.on_commit: Callable[[Heads], None] = lambda heads: None
        self.numbering = Numbering(writer)
        self._writer = writer
        self._database: Database = writer.database
        self._codec = codec
        self._tracer = tracer
        self._tell = tell
        self._published_events: PublishedEvents = _nothing
        self._listeners: dict[type, list[Listener]] = {}
        self._drafts: list[Draft] = []
        writer.keep_with_savepoints(self._drafts)
        writer.before_commit(self._flush)

    def publish(self, published_events: PublishedEvents) -> None:
        """Set the one function that turns a domain event of this context into what others are told."""
        self._published_events = published_events

    def listen(self, message_type: type, listener: Listener) -> None:
        """Let `listener` run in the same transaction whenever such a message is recorded."""
        self._listeners.setdefault(message_type, []).append(listener)

    def record_events(self, source: Recorder, versions: Iterable[int]) -> None:
        """Publish what `source` has recorded; `versions` are those to which each of its events leads."""
        if not source.correlation_id:
            source.correlation_id = self._writer.cause.correlation_id or source.key
        for event, version in zip(source.recorded, versions, strict=True):
            source.version = version
            for message in self._published_events(source, event):
                self.record(message, key=source.key, correlation_id=source.correlation_id)

    def record(
        self,
        message: object,
        *,
        key: str,
        channel: str = EVENTS,
        correlation_id: str = "",
        id: str = "",
        answer_by: str = "",
    ) -> Draft:
        """Record one message; without a correlation of its own it belongs to the conversation of its cause. A command
        may be tried until `answer_by`, as RFC 3339, where what it is about is not known yet."""
        cause = self._writer.cause
        wire = self._codec.wire(type(message))
        draft = Draft(
            channel=channel,
            partition=partition_of(key, self.partitions),
            id=id or new_id(),
            type=wire.name,
            version=wire.version,
            key=key,
            correlation_id=correlation_id or cause.correlation_id or key,
            causation_id=cause.causation_id,
            data=self._codec.encode(message),
            span=self._tracer.span(f"create {wire.name}", kind=Kind.PRODUCER, parent=cause.trace),
            answer_by=answer_by,
        )
        self._drafts.append(draft)
        self._writer.effects += 1
        for listener in self._listeners.get(type(message), ()):
            listener(message, draft)
        return draft

    def say_again(self, said: Envelope) -> None:
        """A message that the log has lost, by its own id and with its own cause; its number is a new one."""
        trace = TraceContext(said.traceparent, said.tracestate, said.baggage)
        self._drafts.append(
            Draft(
                channel=said.channel,
                partition=partition_of(said.subject, self.partitions),
                id=said.id,
                type=said.type,
                version=said.dataversion,
                key=said.subject,
                correlation_id=said.correlationid,
                causation_id=said.causationid,
                data=bytes(said.data),
                span=self._tracer.span(f"create {said.type}", kind=Kind.PRODUCER, new_trace=True, links=[trace]),
            )
        )

    def _flush(self) -> None:
        if not self._drafts:
            return
        committed_at = now_us()
        time = rfc3339(committed_at)
        numbers = self.numbering.advance(_counted(self._drafts))
        next_seq = {place: given.first for place, given in numbers.items()}
        rows = []
        for draft in self._drafts:
            place = (draft.channel, draft.partition)
            rows.append(self._row(draft, next_seq[place], numbers[place], committed_at, time))
            next_seq[place] += 1
        self._database.run_many(_INSERT, rows)
        drafts = list(self._drafts)
        self._writer.after_commit(lambda: self._committed(drafts, numbers))

    def _row(self, draft: Draft, seq: int, given: Numbers, committed_at: int, time: str) -> tuple[Any, ...]:
        trace = draft.span.context
        envelope = Envelope(
            id=draft.id,
            type=draft.type,
            source=self.context,
            subject=draft.key,
            time=time,
            dataversion=draft.version,
            channel=draft.channel,
            partition=draft.partition,
            sequence=seq,
            correlationid=draft.correlation_id,
            causationid=draft.causation_id,
            traceparent=trace.traceparent,
            tracestate=trace.tracestate,
            baggage=trace.baggage,
            epoch=given.epoch,
            epochafter=UNSET if given.after is None or seq != given.first else given.after,
            answerby=draft.answer_by or UNSET,
            data=msgspec.Raw(draft.data),
        )
        _describe(draft, envelope)
        return (
            *(draft.channel, draft.partition, seq, draft.id, draft.type, draft.key, draft.correlation_id),
            *(draft.causation_id, envelope.trace_id, committed_at, encode_envelope(envelope).decode()),
        )

    def _committed(self, drafts: list[Draft], numbers: Mapping[Place, Numbers]) -> None:
        self.numbering.committed(numbers)
        for draft in drafts:
            draft.span.end()
        self._tell([_fact(draft) for draft in drafts if draft.channel == EVENTS])
        self.on_commit({place: given.last for place, given in numbers.items()})


def _nothing(source: object, event: object) -> Iterator[object]:
    return iter(())


def _fact(draft: Draft) -> Fact:
    return Fact(
        type=draft.type,
        event_id=draft.id,
        correlation_id=draft.correlation_id,
        causation_id=draft.causation_id,
        trace_id=draft.span.trace_id_hex,
        span_id=draft.span.span_id_hex,
    )


def _counted(drafts: list[Draft]) -> Mapping[Place, int]:
    counts: dict[Place, int] = defaultdict(int)
    for draft in drafts:
        counts[draft.channel, draft.partition] += 1
    return counts


def _describe(draft: Draft, envelope: Envelope) -> None:
    if draft.span.is_recording():
        draft.span.note(message_attributes(envelope, "create"))


def message_attributes(envelope: Envelope, operation: str) -> dict[str, str | int]:
    """What a span says about a message, by OpenTelemetry's and CloudEvents' names."""
    return {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": f"{envelope.source}.{envelope.channel}",
        "messaging.destination.partition.id": str(envelope.partition),
        "messaging.message.id": envelope.id,
        "messaging.message.conversation_id": envelope.correlationid,
        "cloudevents.event_id": envelope.id,
        "cloudevents.event_type": envelope.type,
        "cloudevents.event_source": envelope.source,
        "cloudevents.event_subject": envelope.subject,
        "mallbots.causation_id": envelope.causationid,
        "mallbots.sequence": envelope.sequence,
    }


_INSERT = """
    INSERT INTO outbox (channel, partition, seq, id, type, key, correlation_id, causation_id, trace_id, committed_at,
                        envelope)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
