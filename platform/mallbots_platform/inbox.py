"""Applies what came out of a stream, and in the same transaction remembers that it did.

Numbers are gapless, so one high-water mark per group and partition says everything: at or below it is a
duplicate, the next one is due, anything above is proof that something is missing. All that holds within one
past: a next one that does not continue the mark's epoch is doubted until the source has told its epochs.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mallbots_platform.clock import from_rfc3339, now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.delivery_metrics import DeliveryMetrics, Handled
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.epochs import AT_THE_START, UNKNOWN, Epochs, Mark
from mallbots_platform.errors import InvalidInput, words_of
from mallbots_platform.handling import Attempt, Handling, Outcome, Received, Route
from mallbots_platform.leases import Fence
from mallbots_platform.marks import Marks, Place
from mallbots_platform.parking import DEAD, ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

BATCH_SECONDS = 0.05


@dataclass(slots=True)
class Applied:
    """What a batch came to: the mark after it, and the entry at which it had to stop, if it had to. What is `doubted`
    may belong to another past. What is `left` comes next: there was no time for it in this transaction."""

    mark: Mark = AT_THE_START
    duplicates: int = 0
    stopped_at: Received | None = None
    reason: str = ""
    doubted: bool = False
    parked: int = 0
    left: list[Received] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    stream: StreamName
    route: Route
    parked_keys: set[str]
    again: bool = False
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)


class Inbox:
    """The marks of one group. Methods run in the writer's thread."""

    def __init__(self, group: str, writer: Writer, handling: Handling, lot: ParkingLot, telemetry: Telemetry) -> None:
        self.lot = lot
        self._group = group
        self._writer = writer
        self._database: Database = writer.database
        self.marks = Marks(group, self._database)
        self._handling = handling
        self._metrics = DeliveryMetrics(group, telemetry.meter)
        self._epochs: dict[StreamName, Epochs] = {}
        self._lost: frozenset[str] = frozenset()

    def load_lost(self) -> None:
        """What was applied here and lost by its source: should it be said again, it is not applied again."""
        self._lost = frozenset(id for (id,) in self._database.run(_LOST, (self._group,)))

    def mark(self, stream: StreamName) -> int:
        """The last number up to which everything is applied."""
        return self.marks.read(stream).mark.seq

    def trust(self, stream: StreamName, epochs: Epochs) -> None:
        """What the source has told of its epochs; the mark is in this past."""
        self._epochs[stream] = epochs

    def apply(self, route: Route, stream: StreamName, entries: list[Received], fence: Fence) -> Applied:
        """Apply entries in order; stop before the first that is not the next one, or is none of ours."""
        until = time.monotonic() + BATCH_SECONDS
        fence.check(self._database)
        before = self.marks.read(stream)
        applied = Applied(mark=before.mark)
        batch = _Batch(stream, route, self.lot.keys(stream), again=before.is_replaying)
        for number, entry in enumerate(entries, 1):
            entry.replayed = entry.seq <= before.replay_until
            if entry.seq <= applied.mark.seq:
                applied.duplicates += 1
            elif not self._is_next(batch, entry, applied):
                break
            elif time.monotonic() > until:
                applied.left = entries[number:]
                break
        self._remember(batch, before, applied)
        return applied

    def apart(self, stream: StreamName, entries: list[Received]) -> Iterator[list[Received]]:
        """What may share a transaction: all of them, but those that are suspected of losing it are alone."""
        return self._handling.suspects.apart(entries, ((stream, entry.seq) for entry in entries))

    def set_aside(self, stream: StreamName, entry: Received, reason: str) -> None:
        """Bytes that the source never said: keep them as evidence; they have no place in the order."""
        self.lot.bury_unreadable(stream, entry.seq, entry.raw, reason)
        self._writer.after_commit(lambda: self._metrics.count(Outcome.DEAD))

    def bury_after_crashes(self, route: Route, stream: StreamName, entry: Received, crashes: int, fence: Fence) -> bool:
        """The process died each time it tried this entry: it is dead, and the mark passes it. False: it is not the
        next one, or unreadable, so that it cannot have been the reason."""
        fence.check(self._database)
        try:
            envelope = decode_envelope(entry.raw)
        except InvalidInput:
            return False
        before = self.marks.read(stream)
        if entry.seq != before.mark.seq + 1 or _misplaced(envelope, stream, entry.seq):
            return False
        if not self._continues(before.mark, envelope, stream):
            return False
        error = f"the process died {crashes} times while handling it"
        self.lot.bury(stream, entry.seq, envelope, _text(entry.raw), error, crashes, entry.published_at)
        batch = _Batch(stream, route, set())
        batch.deliveries.append(self._delivery(batch, envelope, entry, Outcome.DEAD, crashes, 0, error))
        self._remember(batch, before, Applied(mark=_mark_at(entry, envelope)))
        self._writer.after_commit(lambda: self._metrics.count(Outcome.DEAD))
        return True

    def retry(self, route: Route, message: ParkedMessage, fence: Fence) -> bool:
        """One more attempt at a parked message; whether it is dealt with."""
        fence.check(self._database)
        if not self.lot.still_there(message.id):
            return False
        try:
            envelope = decode_envelope(message.envelope)
        except InvalidInput as error:
            self.lot.failed(message, words_of(error), True)
            return False
        entry = Received(message.seq, message.envelope, message.published_at, now_us())
        attempt = self._handling.attempt(route, message.stream, envelope, entry, message.attempts + 1)
        if attempt.outcome in (Outcome.APPLIED, Outcome.IGNORED):
            self.lot.release(message)
        elif attempt.outcome is Outcome.NEWER:
            self.lot.keep_on(message, attempt.error)
        else:
            state = self.lot.failed(message, attempt.error, attempt.outcome is Outcome.DEAD, attempt.until)
            attempt.outcome = Outcome.DEAD if state == DEAD else Outcome.RETRIED
        reached("retry: attempted")
        batch = _Batch(message.stream, route, set(), again=True)
        number = message.attempts + (attempt.outcome is not Outcome.NEWER)
        self._note(batch, envelope, entry, attempt, number)
        self._write_deliveries(batch)
        return attempt.outcome in (Outcome.APPLIED, Outcome.IGNORED)

    def believes(self, stream: StreamName, entry: Received) -> bool:
        """Whether it is of the epoch of which its source says it is."""
        return decode_envelope(entry.raw).epoch == self._epoch_at(stream, entry.seq)

    def _continues(self, mark: Mark, envelope: Envelope, stream: StreamName) -> bool:
        return mark.is_before(envelope) or envelope.epoch == self._epoch_at(stream, envelope.sequence)

    def _epoch_at(self, stream: StreamName, seq: int) -> str:
        """As the source has told it."""
        known = self._epochs.get(stream)
        return known.at(seq) if known and seq <= known.head else UNKNOWN

    def _is_next(self, batch: _Batch, entry: Received, applied: Applied) -> bool:
        mark = applied.mark
        problem = f"entry {entry.seq} came after {mark.seq}" if entry.seq > mark.seq + 1 else ""
        envelope: Envelope | None = None
        if entry.gone:
            problem = f"entry {entry.seq} is pending, and no longer in its stream"
        if not problem:
            try:
                envelope = decode_envelope(entry.raw)
                problem = _misplaced(envelope, batch.stream, entry.seq)
            except InvalidInput as error:
                problem = str(error)
            entry.unreadable = bool(problem)
        if problem or envelope is None:
            applied.stopped_at, applied.reason = entry, problem
            return False
        if not self._continues(mark, envelope, batch.stream):
            applied.stopped_at, applied.doubted = entry, True
            applied.reason = f"entry {entry.seq} is of another epoch"
            return False
        applied.parked += self._handle(batch, envelope, entry)
        applied.mark = _mark_at(entry, envelope)
        return True

    def _handle(self, batch: _Batch, envelope: Envelope, entry: Received) -> bool:
        """Whether it will have to be tried again."""
        if envelope.id in self._lost:
            error = "it was applied before its source lost it"
            batch.deliveries.append(self._delivery(batch, envelope, entry, Outcome.APPLIED, 0, 0, error))
            self._writer.after_commit(lambda: self._metrics.count(Outcome.DUPLICATE))
            return False
        if envelope.subject in batch.parked_keys:
            self.lot.queue(batch.stream, entry.seq, envelope, _text(entry.raw), entry.published_at)
            batch.deliveries.append(
                self._delivery(batch, envelope, entry, Outcome.PARKED, 0, 0, "queued behind its key")
            )
            self._writer.after_commit(lambda: self._metrics.count(Outcome.PARKED))
            return False
        attempt = self._handling.attempt(batch.route, batch.stream, envelope, entry, 1)
        if attempt.outcome is Outcome.PARKED:
            told = (attempt.error, entry.published_at, attempt.until)
            self.lot.park(batch.stream, entry.seq, envelope, _text(entry.raw), *told)
            reached("park: written")
            batch.parked_keys.add(envelope.subject)
        elif attempt.outcome is Outcome.DEAD:
            raw = _text(entry.raw)
            self.lot.bury(batch.stream, entry.seq, envelope, raw, attempt.error, 1, entry.published_at)
            batch.parked_keys.add(envelope.subject)
        elif attempt.outcome is Outcome.NEWER:
            self.lot.keep(batch.stream, entry.seq, envelope, _text(entry.raw), attempt.error, entry.published_at)
            batch.parked_keys.add(envelope.subject)
        self._note(batch, envelope, entry, attempt, 0 if attempt.outcome is Outcome.NEWER else 1)
        return attempt.outcome is Outcome.PARKED

    def _note(self, batch: _Batch, envelope: Envelope, entry: Received, attempt: Attempt, number: int) -> None:
        outcome, error, handler_us = attempt.outcome, attempt.error, attempt.handler_us
        row = self._delivery(batch, envelope, entry, outcome, number, handler_us, error)
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

    def _delivery(
        self,
        batch: _Batch,
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
            self._metrics.clock_skew.inc()
        outbox_us = max(0, entry.published_at - created_at) if entry.published_at else 0
        its_turn_at = now - handler_us  # the others of its batch came first
        stream_us = max(0, its_turn_at - entry.published_at) if entry.published_at else 0
        place = (self._group, *batch.stream, entry.seq, envelope.id, envelope.type, envelope.subject)
        told = "parked" if outcome in (Outcome.RETRIED, Outcome.NEWER) else outcome.value
        critical_us = max(0, now - created_at)
        times = (outbox_us, stream_us, handler_us, critical_us, now)
        return (*place, envelope.correlationid, told, attempts, *times, error)

    def _remember(self, batch: _Batch, before: Place, applied: Applied) -> None:
        self._write_deliveries(batch)
        if applied.mark != before.mark or applied.duplicates:
            self.marks.advance(batch.stream, before, applied.mark, applied.duplicates)
        if applied.duplicates:
            self._writer.after_commit(lambda: self._metrics.count(Outcome.DUPLICATE, applied.duplicates))

    def _write_deliveries(self, batch: _Batch) -> None:
        if batch.again:
            self._database.run_many(_UNSETTLED, [row[:5] for row in batch.deliveries])
        self._database.run_many(_DELIVERED, batch.deliveries)
        self._writer.after_commit(partial(self._metrics.delivered, batch.handled))


def _mark_at(entry: Received, envelope: Envelope) -> Mark:
    return Mark(entry.seq, envelope.epoch, envelope.id)


def claims_its_place(stream: StreamName, entry: Received) -> bool:
    """Whether it says of itself that it is what belongs there."""
    try:
        return not _misplaced(decode_envelope(entry.raw), stream, entry.seq)
    except InvalidInput:
        return False


def _misplaced(envelope: Envelope, stream: StreamName, seq: int) -> str:
    if (envelope.source, envelope.channel, envelope.partition, envelope.sequence) == (*stream, seq):
        return ""
    return f"its envelope says {envelope.source} {envelope.channel} {envelope.partition}-{envelope.sequence}"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


_LOST = "SELECT message_id FROM lost WHERE group_name = ? AND outcome IN ('applied', 'ignored', 'discarded')"
_DELIVERED = """
    INSERT INTO deliveries (group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome,
                            attempts, outbox_us, stream_us, handler_us, critical_us, committed_at, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_UNSETTLED = """
    DELETE FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
        AND outcome NOT IN ('applied', 'ignored')
"""
