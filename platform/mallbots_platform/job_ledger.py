"""The database half of a work queue: what the log says a job is, and what has become of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mallbots_platform.clock import from_rfc3339, now_us
from mallbots_platform.delivery_metrics import DeliveryMetrics, Handled
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.errors import Conflict, InvalidInput, NewerVersion, words_of
from mallbots_platform.handling import PERMANENT, Outcome
from mallbots_platform.job_streams import Entry
from mallbots_platform.parking import DEAD, ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from telemetry.tracing import Span

MOST_STRAYS = 100
SETTLED = ("applied", "discarded")


@dataclass(frozen=True, slots=True)
class Job:
    """One job, and the how-manieth attempt at it this is; `parked` where it was set aside before."""

    stream: StreamName
    seq: int
    envelope: Envelope
    text: str
    published_at: int
    received_at: int
    attempt: int = 1
    parked: ParkedMessage | None = None


@dataclass(slots=True)
class Attempt:
    span: Span
    handler_us: int = 0


class JobLedger:
    """Methods run in the writer's thread; those that only look, in a reader's."""

    def __init__(self, group: str, writer: Writer, lot: ParkingLot, meter: Meter) -> None:
        self.lot = lot
        self._group = group
        self._writer = writer
        self._database = writer.database
        self._metrics = DeliveryMetrics(group, meter)
        self._looked_through: dict[StreamName, int] = {}

    def is_known(self, stream: StreamName, seq: int) -> bool:
        """Whether it is done, or set aside: its entry came back because its acknowledgement was lost."""
        return bool(self._outcome(stream, seq))

    def count_duplicate(self) -> None:
        self._metrics.count(Outcome.DUPLICATE)

    def text_of(self, entry: Entry) -> str:
        """The envelope as the log has it, whatever bytes the stream has under its number; the stream's own where the
        log was pruned. Raises InvalidInput for a number that the log has never given."""
        place = (entry.stream.channel, entry.stream.partition)
        for (text,) in self._database.run(_IN_LOG, (*place, entry.seq)):
            return str(text)
        for (pruned,) in self._database.run(_PRUNED, place):
            if entry.seq <= pruned:
                return entry.raw.decode(errors="replace")
        raise InvalidInput("sequence", f"no job has the number {entry.seq}")

    def done(self, job: Job, attempt: Attempt, then: Callable[[], object] | None) -> None:
        """In one transaction: what the job wants to be changed, and that it is done."""
        if self._outcome(job.stream, job.seq) == Outcome.APPLIED:
            attempt.span.set_attributes({"mallbots.outcome": Outcome.DUPLICATE.value})
            self._writer.after_commit(self.count_duplicate)
            return
        if then is not None:
            then()
        self._database.run(_UNPARK, (self._group, *job.stream, job.seq, job.envelope.id))
        self._note(job, attempt, Outcome.APPLIED, "")

    def failed(self, job: Job, attempt: Attempt, error: Exception) -> None:
        """It is tried again later, unless that cannot help."""
        if self._outcome(job.stream, job.seq) in SETTLED:
            return
        words, is_permanent = words_of(error), isinstance(error, PERMANENT)
        place = (job.stream, job.seq, job.envelope, job.text, words)
        if isinstance(error, NewerVersion):
            self._keep(job, words)
            outcome = Outcome.NEWER
        elif job.parked is not None:
            state = self.lot.failed(job.parked, words, is_permanent)
            outcome = Outcome.DEAD if state == DEAD else Outcome.RETRIED
        elif is_permanent:
            self.lot.bury(*place, job.attempt, job.published_at)
            outcome = Outcome.DEAD
        else:
            self.lot.park(*place, job.published_at)
            outcome = Outcome.PARKED
        self._note(job, attempt, outcome, words)

    def _keep(self, job: Job, words: str) -> None:
        """For a later program; the attempt does not count."""
        if job.parked is not None:
            self.lot.keep_on(job.parked, words)
        else:
            self.lot.keep(job.stream, job.seq, job.envelope, job.text, words, job.published_at)

    def take(self, message: ParkedMessage, until: int) -> bool:
        """Whether this process may try a parked job now; until then no other does. The attempt counts from here, for
        it may be the one that kills the process."""
        return bool(self._database.change(_TAKE, (until, message.id, self._group, message.due_at)))

    def bury_unreadable(self, entry: Entry, reason: str) -> None:
        self.lot.bury_unreadable(entry.stream, entry.seq, entry.raw, reason)
        self._writer.after_commit(lambda: self._metrics.count(Outcome.DEAD))

    def undone(self, stream: StreamName, before: int) -> list[int]:
        """Numbers of jobs that were published, are older than a moment, and of which nothing has become yet."""
        place, after = (stream.channel, stream.partition), self._looked_through.get(stream, 0)
        [(last,)] = self._database.run(_OLD, (*place, after, before))
        rows = self._database.run(_UNDONE, (*place, after, last or 0, self._group, stream.source, MOST_STRAYS))
        numbers = [int(seq) for (seq,) in rows]
        self._looked_through[stream] = numbers[0] - 1 if numbers else last or after
        return numbers

    def park_stray(self, stream: StreamName, seq: int, reason: str) -> bool:
        """A job whose entry is gone is tried all the same; False when something has become of it meanwhile."""
        if self.is_known(stream, seq):
            return False
        [(text,)] = self._database.run(_IN_LOG, (stream.channel, stream.partition, seq))
        envelope = decode_envelope(text)
        self.lot.park(stream, seq, envelope, text, reason, 0)
        self._write(Job(stream, seq, envelope, text, 0, 0), Outcome.PARKED, (0, 0, 0, 0), reason)
        self._writer.after_commit(lambda: self._metrics.count(Outcome.PARKED))
        return True

    def _outcome(self, stream: StreamName, seq: int) -> str:
        rows = self._database.run(_OUTCOME, (self._group, *stream, seq))
        return str(rows[0][0]) if rows else ""

    def _note(self, job: Job, attempt: Attempt, outcome: Outcome, error: str) -> None:
        created_at = from_rfc3339(job.envelope.time)
        outbox_us = max(0, job.published_at - created_at) if job.published_at else 0
        stream_us = max(0, job.received_at - job.published_at) if job.published_at else 0
        times = (outbox_us, stream_us, attempt.handler_us, max(0, now_us() - created_at))
        if max(created_at, job.published_at) > job.received_at:
            self._metrics.clock_skew.inc()
        self._write(job, outcome, times, error)
        span = attempt.span
        span.set_attributes(
            {
                "mallbots.outcome": outcome.value,
                "mallbots.attempt": job.attempt,
                "mallbots.outbox_seconds": outbox_us / 1e6,
                "mallbots.stream_seconds": stream_us / 1e6,
            }
        )
        handled = Handled(job.envelope.type, outcome, *times, job.attempt, span)
        self._writer.after_commit(lambda: self._metrics.delivered([handled]))

    def _write(self, job: Job, outcome: Outcome, times: tuple[int, int, int, int], error: str) -> None:
        """In place of what was written before, so that whoever follows the deliveries hears of it."""
        place, envelope = (self._group, *job.stream, job.seq), job.envelope
        told = Outcome.PARKED if outcome in (Outcome.RETRIED, Outcome.NEWER) else outcome
        identity: tuple[Any, ...] = (*place, envelope.id, envelope.type, envelope.subject, envelope.correlationid)
        self._database.run(_FORGET, place)
        row = (*identity, told.value, job.attempt, *times, now_us(), error)
        if not self._database.change(_WRITE, row):
            raise Conflict(f"another process has written down what became of job {job.seq}")


_IN_LOG = "SELECT envelope FROM outbox WHERE channel = ? AND partition = ? AND seq = ?"
_PRUNED = "SELECT pruned_seq FROM outbox_heads WHERE channel = ? AND partition = ?"
_OUTCOME = """
    SELECT outcome FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
"""
_FORGET = """
    DELETE FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
"""
_WRITE = """
    INSERT INTO deliveries (group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome,
                            attempts, outbox_us, stream_us, handler_us, critical_us, committed_at, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_UNPARK = """
    DELETE FROM parked
    WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ? AND message_id = ?
"""
_TAKE = """
    UPDATE parked SET attempts = attempts + 1, due_at = ?
    WHERE id = ? AND group_name = ? AND state = 'waiting' AND due_at = ?
"""
_OLD = """
    SELECT MAX(o.seq) FROM outbox o JOIN outbox_heads h ON h.channel = o.channel AND h.partition = o.partition
    WHERE o.channel = ? AND o.partition = ? AND o.seq > ? AND o.committed_at < ? AND o.seq <= h.published_seq
"""
_UNDONE = """
    SELECT o.seq FROM outbox o WHERE o.channel = ? AND o.partition = ? AND o.seq > ? AND o.seq <= ? AND NOT EXISTS (
        SELECT 1 FROM deliveries d WHERE d.group_name = ? AND d.source = ? AND d.channel = o.channel
        AND d.partition = o.partition AND d.seq = o.seq
    ) ORDER BY o.seq LIMIT ?
"""
