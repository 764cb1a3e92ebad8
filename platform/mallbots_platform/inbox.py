"""Applies what came out of a stream, and in the same transaction remembers that it did.

Numbers are gapless, so one high-water mark per group and partition says everything: at or below it is a
duplicate, the next one is due, anything above is proof that something is missing. All that holds within one
past: a next one that does not continue the mark's epoch is doubted until the source has told its epochs.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.deliveries import Batch, Deliveries
from mallbots_platform.envelope import Envelope, decode_envelope, text_of
from mallbots_platform.epochs import AT_THE_START, UNKNOWN, Epochs, Mark
from mallbots_platform.errors import InvalidInput
from mallbots_platform.handling import Handling, Outcome, Received, Route
from mallbots_platform.leases import Fence
from mallbots_platform.marks import Marks, Place
from mallbots_platform.parked_attempts import ParkedAttempts
from mallbots_platform.parking import ParkingLot
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


class Inbox:
    """The marks of one group. Methods run in the writer's thread."""

    def __init__(self, group: str, writer: Writer, handling: Handling, lot: ParkingLot, telemetry: Telemetry) -> None:
        self.lot = lot
        self.deliveries = Deliveries(group, writer, telemetry.meter)
        self._group = group
        self._database: Database = writer.database
        self.marks = Marks(group, self._database)
        self._handling = handling
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
        batch = Batch(stream, route, self.lot.keys(stream), again=before.is_replaying)
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

    def attempts(self, routes: Mapping[StreamName, Route], fence_of: Callable[[int], Fence | None]) -> ParkedAttempts:
        """At what was parked here."""
        return ParkedAttempts(routes, self._database, self.lot, self._handling, self.deliveries, fence_of)

    def set_aside(self, stream: StreamName, entry: Received, reason: str) -> None:
        """Bytes that the source never said: keep them as evidence; they have no place in the order."""
        self.lot.bury_unreadable(stream, entry.seq, entry.raw, reason)
        self.deliveries.count(Outcome.DEAD)

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
        self.lot.bury(stream, entry.seq, envelope, text_of(entry.raw), error, crashes, entry.published_at)
        batch = Batch(stream, route, set())
        batch.deliveries.append(self.deliveries.row(stream, envelope, entry, Outcome.DEAD, crashes, 0, error))
        self._remember(batch, before, Applied(mark=_mark_at(entry, envelope)))
        self.deliveries.count(Outcome.DEAD)
        return True

    def believes(self, stream: StreamName, entry: Received) -> bool:
        """Whether it is of the epoch of which its source says it is."""
        return decode_envelope(entry.raw).epoch == self._epoch_at(stream, entry.seq)

    def _continues(self, mark: Mark, envelope: Envelope, stream: StreamName) -> bool:
        return mark.is_before(envelope) or envelope.epoch == self._epoch_at(stream, envelope.sequence)

    def _epoch_at(self, stream: StreamName, seq: int) -> str:
        """As the source has told it."""
        known = self._epochs.get(stream)
        return known.at(seq) if known and seq <= known.head else UNKNOWN

    def _is_next(self, batch: Batch, entry: Received, applied: Applied) -> bool:
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

    def _handle(self, batch: Batch, envelope: Envelope, entry: Received) -> bool:
        """Whether it will have to be tried again."""
        if envelope.id in self._lost:
            error = "it was applied before its source lost it"
            batch.deliveries.append(self.deliveries.row(batch.stream, envelope, entry, Outcome.APPLIED, 0, 0, error))
            self.deliveries.count(Outcome.DUPLICATE)
            return False
        if envelope.subject in batch.parked_keys:
            self.lot.queue(batch.stream, entry.seq, envelope, text_of(entry.raw), entry.published_at)
            batch.deliveries.append(
                self.deliveries.row(batch.stream, envelope, entry, Outcome.PARKED, 0, 0, "queued behind its key")
            )
            self.deliveries.count(Outcome.PARKED)
            return False
        attempt = self._handling.attempt(batch.route, batch.stream, envelope, entry, 1)
        if attempt.outcome is Outcome.PARKED:
            told = (attempt.error, entry.published_at, attempt.until)
            self.lot.park(batch.stream, entry.seq, envelope, text_of(entry.raw), *told)
            reached("park: written")
            batch.parked_keys.add(envelope.subject)
        elif attempt.outcome is Outcome.DEAD:
            raw = text_of(entry.raw)
            self.lot.bury(batch.stream, entry.seq, envelope, raw, attempt.error, 1, entry.published_at)
            batch.parked_keys.add(envelope.subject)
        elif attempt.outcome is Outcome.NEWER:
            self.lot.keep(batch.stream, entry.seq, envelope, text_of(entry.raw), attempt.error, entry.published_at)
            batch.parked_keys.add(envelope.subject)
        self.deliveries.note(batch, envelope, entry, attempt, 0 if attempt.outcome is Outcome.NEWER else 1)
        return attempt.outcome is Outcome.PARKED

    def _remember(self, batch: Batch, before: Place, applied: Applied) -> None:
        self.deliveries.write(batch)
        if applied.mark != before.mark or applied.duplicates:
            self.marks.advance(batch.stream, before, applied.mark, applied.duplicates)
        if applied.duplicates:
            self.deliveries.count(Outcome.DUPLICATE, applied.duplicates)


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


_LOST = "SELECT message_id FROM lost WHERE group_name = ? AND outcome IN ('applied', 'ignored', 'discarded')"
