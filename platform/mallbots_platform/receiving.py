"""What a group has read from its streams: the entries, and the span that says so."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from mallbots_platform.envelope import trace_of
from mallbots_platform.handling import Received
from mallbots_platform.partitions import StreamName
from mallbots_platform.streams import sequence_of
from telemetry.tracing import Kind, TraceContext, Tracer

RawEntry = tuple[bytes, dict[bytes, bytes]]
Batch = tuple[StreamName, list[Received]]


def entries_of(raw: Iterable[RawEntry], received_at: int) -> list[Received]:
    """As Redis answers; `received_at` in microseconds since the epoch."""
    return [_entry(entry_id, fields or {}, received_at) for entry_id, fields in raw]


def trace_reading(tracer: Tracer, group: str, batches: Iterable[Batch]) -> None:
    """One span per source and channel that had something, with a link to each message; each entry is told its own."""
    read: dict[tuple[str, str], list[Received]] = {}
    for stream, entries in batches:
        read.setdefault((stream.source, stream.channel), []).extend(entries)
    for (source, channel), entries in read.items():
        context = receive_span(tracer, group, f"{source}.{channel}", entries)
        for entry in entries:
            entry.receive = context


class HasRaw(Protocol):
    """Whatever was read."""

    @property
    def raw(self) -> bytes | str: ...


def receive_span(tracer: Tracer, group: str, destination: str, entries: Sequence[HasRaw]) -> TraceContext:
    """For what was read together, with a link to each."""
    span = tracer.span(
        f"receive {destination}",
        kind=Kind.CLIENT,
        new_trace=True,
        links=[trace_of(entry.raw) for entry in entries],
        attributes={
            "messaging.system": "redis",
            "messaging.operation.name": "receive",
            "messaging.operation.type": "receive",
            "messaging.destination.name": destination,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": len(entries),
        },
    )
    span.end()
    return span.context


def _entry(entry_id: bytes, fields: dict[bytes, bytes], received_at: int) -> Received:
    published_at = fields.get(b"t", b"")
    return Received(
        sequence_of(entry_id),
        fields.get(b"e", b""),
        int(published_at) if published_at.isdigit() else 0,
        received_at,
        entry_id=entry_id,
        gone=not fields,
    )
