"""What is written down of each message that a group was given: what became of it, and how long that took."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mallbots_platform.clock import from_rfc3339, now_us
from mallbots_platform.delivery_metrics import DeliveryMetrics, Handled
from mallbots_platform.envelope import Envelope
from mallbots_platform.handling import Attempt, Outcome, Received, Route
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter


@dataclass(slots=True)
class Batch:
    stream: StreamName
    route: Route
    parked_keys: set[str]
    again: bool = False
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)


class Deliveries:
    """Of one group. Methods run in the writer's thread."""

    def __init__(self, group: str, writer: Writer, meter: Meter) -> None:
        self.metrics = DeliveryMetrics(group, meter)
        self._group = group
        self._writer = writer

    def note(self, batch: Batch, envelope: Envelope, entry: Received, attempt: Attempt, number: int) -> None:
        outcome, error, handler_us = attempt.outcome, attempt.error, attempt.handler_us
        row = self.row(batch.stream, envelope, entry, outcome, number, handler_us, error)
        batch.deliveries.append(row)
        critical_us = row[-3]
        span = attempt.span
        span.note(
            {
                "mallbots.outcome": outcome.value,
                "mallbots.attempt": number,
                "mallbots.outbox_seconds": row[-6] / 1e6,
                "mallbots.stream_seconds": row[-5] / 1e6,
            }
        )

        handled = Handled(envelope.type, outcome, row[-6], row[-5], handler_us, critical_us, number, span)
        batch.handled.append(handled)

    def row(
        self,
        stream: StreamName,
        envelope: Envelope,
        entry: Received,
        outcome: Outcome,
        attempts: int,
        handler_us: int,
        error: str,
    ) -> tuple[Any, ...]:
        now = now_us()
        created_at = from_rfc3339(envelope.time)
        if max(created_at, entry.published_at) > entry.received_at:
            self.metrics.clock_skew.inc()
        outbox_us = max(0, entry.published_at - created_at) if entry.published_at else 0
        its_turn_at = now - handler_us  # the others of its batch came first
        stream_us = max(0, its_turn_at - entry.published_at) if entry.published_at else 0
        place = (self._group, *stream, entry.seq, envelope.id, envelope.type, envelope.subject)
        told = "parked" if outcome in (Outcome.RETRIED, Outcome.NEWER) else outcome.value
        critical_us = max(0, now - created_at)
        times = (outbox_us, stream_us, handler_us, critical_us, now)
        return (*place, envelope.correlationid, told, attempts, *times, error)

    def count(self, outcome: Outcome, number: int = 1) -> None:
        """Once it is committed."""
        self._writer.after_commit(lambda: self.metrics.count(outcome, number))

    def write(self, batch: Batch) -> None:
        """All of it in two statements; measured once it is committed."""
        database = self._writer.database
        if batch.again:
            database.run_many(_UNSETTLED, [row[:5] for row in batch.deliveries])
            heard = [row[:5] for row in batch.deliveries if row[9] != Outcome.IGNORED]
            database.run_many(_PASSED_OVER_BEFORE, heard)
        database.run_many(_DELIVERED, batch.deliveries)
        self._writer.after_commit(partial(self.metrics.delivered, batch.handled))


_DELIVERED = """
    INSERT INTO deliveries (group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome,
                            attempts, outbox_us, stream_us, handler_us, critical_us, committed_at, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_PASSED_OVER_BEFORE = """
    DELETE FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
        AND outcome = 'ignored'
"""
_UNSETTLED = """
    DELETE FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
        AND outcome NOT IN ('applied', 'ignored')
"""
