"""What could not be handled, per key, in the consumer's own database: waiting, queued behind another, kept for a newer
program, or dead."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from mallbots_platform.clock import now_us
from mallbots_platform.database import Database
from mallbots_platform.envelope import Envelope
from mallbots_platform.errors import NotFound
from mallbots_platform.partitions import StreamName

WAITING, QUEUED, DEAD, NEWER = "waiting", "queued", "dead", "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Full jitter: the n-th pause is random between 0 and min(cap, base * 2**n) seconds."""

    attempts: int = 10
    base_seconds: float = 0.2
    cap_seconds: float = 30.0

    def pause_us(self, attempts: int) -> int:
        longest = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempts, 30))
        return round(random.uniform(0, longest) * 1_000_000)


class ParkedMessage(NamedTuple):
    id: int
    group: str
    source: str
    channel: str
    partition: int
    seq: int
    message_id: str
    type: str
    key: str
    state: str
    attempts: int
    due_at: int
    parked_at: int
    published_at: int
    error: str
    envelope: str

    @property
    def stream(self) -> StreamName:
        return StreamName(self.source, self.channel, self.partition)


class ParkingLot:
    """The parked messages of one group; every method runs in the writer's thread or a reader's."""

    def __init__(self, group: str, database: Database, policy: RetryPolicy) -> None:
        self.policy = policy
        self._group = group
        self._database = database

    def keys(self, stream: StreamName) -> set[str]:
        """Keys of this stream behind which every later message has to queue."""
        return {key for (key,) in self._database.run(_KEYS, (self._group, *stream)) if key}

    def park(
        self, stream: StreamName, seq: int, envelope: Envelope, raw: str, error: str, published_at: int, until: int = 0
    ) -> None:
        """The first attempt failed; there will be others."""
        due_at = self._due_at(1, until)
        self._insert(stream, seq, envelope, WAITING, 1, due_at, published_at, error, raw)

    def keep(self, stream: StreamName, seq: int, envelope: Envelope, raw: str, error: str, published_at: int) -> None:
        """Only a later program can read it: that is no failure, and no attempt."""
        self._insert(stream, seq, envelope, NEWER, 0, 0, published_at, error, raw)

    def keep_on(self, message: ParkedMessage, error: str) -> None:
        """It was tried again, and still only a later program can read it."""
        row = (NEWER, message.attempts, error, message.id)
        self._database.run("UPDATE parked SET state = ?, attempts = ?, due_at = 0, error = ? WHERE id = ?", row)

    def hear(self, stream: StreamName, seq: int, envelope: Envelope, raw: str, *, behind: bool) -> None:
        """What was passed over once gets its first attempt, unless others of its key are `behind` whom it queues."""
        self._insert(stream, seq, envelope, QUEUED if behind else WAITING, 0, 0 if behind else now_us(), 0, "", raw)

    def kept(self) -> dict[StreamName, int]:
        """How many of each stream wait for a later program."""
        return {StreamName(*stream): int(number) for *stream, number in self._database.run(_KEPT, (self._group,))}

    def try_kept(self) -> int:
        """This may be the program that what is kept waits for; how many there are."""
        return self._database.change(_TRY_KEPT, (now_us(), self._group))

    def queue(self, stream: StreamName, seq: int, envelope: Envelope, raw: str, published_at: int) -> None:
        """An earlier message of its key is parked: wait for that one."""
        self._insert(stream, seq, envelope, QUEUED, 0, 0, published_at, "", raw)

    def bury(
        self, stream: StreamName, seq: int, envelope: Envelope, raw: str, error: str, attempts: int, published_at: int
    ) -> None:
        """It can never succeed as it is: only an operator can decide."""
        self._insert(stream, seq, envelope, DEAD, attempts, 0, published_at, error, raw)

    def bury_unreadable(self, stream: StreamName, seq: int, raw: bytes | str, error: str) -> None:
        """Bytes that are no envelope have no key, and hold up nobody."""
        text = raw.decode(errors="backslashreplace") if isinstance(raw, bytes) else raw
        at = now_us()
        values = (self._group, *stream, seq, "", "", "", DEAD, 1, 0, at, 0, error)
        self._database.run(_INSERT, (*values, text.replace("\x00", "\\x00")))

    def due(self, streams: Iterable[StreamName]) -> list[ParkedMessage]:
        """Waiting messages of these streams whose time has come, each the first of its key."""
        wanted = {*streams}
        found = (ParkedMessage(*row) for row in self._database.run(_DUE, (self._group, now_us())))
        return [message for message in found if message.stream in wanted]

    def next_due_at(self, streams: Iterable[StreamName]) -> int | None:
        """Microseconds since the epoch."""
        times = {StreamName(*stream): at for *stream, at in self._database.run(_NEXT_DUE, (self._group,))}
        return min((times[stream] for stream in streams if stream in times), default=None)

    def still_there(self, id: int) -> bool:
        return bool(self._database.run("SELECT 1 FROM parked WHERE id = ? AND state = 'waiting'", (id,)))

    def failed(self, message: ParkedMessage, error: str, permanent: bool, until: int = 0) -> str:
        """One more attempt failed; the message's new state."""
        attempts = message.attempts + 1
        is_over = attempts >= self.policy.attempts and not until
        state = DEAD if permanent or is_over else WAITING
        due_at = self._due_at(attempts, until)
        self._database.run(
            "UPDATE parked SET attempts = ?, state = ?, due_at = ?, error = ? WHERE id = ?",
            (attempts, state, due_at, error, message.id),
        )
        return state

    def release(self, message: ParkedMessage) -> None:
        """It is dealt with; the next one of its key may go at once."""
        self._database.run("DELETE FROM parked WHERE id = ?", (message.id,))
        behind = (self._group, message.source, message.channel, message.key)
        if message.key:
            self._database.run(_PROMOTE, (now_us(), *behind, *behind))

    def holds(self, id: int) -> bool:
        return bool(self._database.run("SELECT 1 FROM parked WHERE id = ? AND group_name = ?", (id, self._group)))

    def find(self, id: int) -> ParkedMessage:
        """Raises NotFound."""
        for row in self._database.run(f"{_SELECT} WHERE id = ? AND group_name = ?", (id, self._group)):
            return ParkedMessage(*row)
        raise NotFound("parked message", str(id))

    def retry(self, id: int) -> None:
        """An operator wants it tried again now. Its attempts count from the start."""
        self.find(id)
        self._database.run(_RETRY + " AND id = ?", (now_us(), self._group, id))

    def retry_dead(self) -> int:
        return self._database.change(_RETRY + " AND state = 'dead'", (now_us(), self._group))

    def discard(self, id: int) -> None:
        """An operator gives it up; its delivery says so. What is no message has none."""
        message = self.find(id)
        self.release(message)
        self._database.run(_DISCARDED, (self._group, *message.stream, message.seq, message.message_id))

    def counts(self) -> dict[str, int]:
        rows = self._database.run(
            "SELECT state, COUNT(*) FROM parked WHERE group_name = ? GROUP BY state", (self._group,)
        )
        return {state: int(count) for state, count in rows}

    def _due_at(self, attempts: int, until: int) -> int:
        """When the next attempt is due: not later than `until`, if that is said."""
        due_at = now_us() + self.policy.pause_us(attempts)
        return min(due_at, until) if until else due_at

    def _insert(
        self,
        stream: StreamName,
        seq: int,
        envelope: Envelope,
        state: str,
        attempts: int,
        due_at: int,
        published_at: int,
        error: str,
        raw: str,
    ) -> None:
        identity = (self._group, *stream, seq, envelope.id, envelope.type, envelope.subject, state)
        self._database.run(_INSERT, (*identity, attempts, due_at, now_us(), published_at, error, raw))


_DISCARDED = """
    UPDATE deliveries SET outcome = 'discarded'
    WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ? AND message_id = ?
"""
_COLUMNS = (
    "group_name, source, channel, partition, seq, message_id, type, key, state, attempts, due_at, parked_at,"
    " published_at, error, envelope"
)
_SELECT = f"SELECT id, {_COLUMNS} FROM parked"
_INSERT = f"INSERT INTO parked ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_KEYS = """
    SELECT DISTINCT key FROM parked WHERE group_name = ? AND source = ? AND channel = ? AND partition = ?
"""
_DUE = f"{_SELECT} WHERE group_name = ? AND state = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 500"
_NEXT_DUE = """
    SELECT source, channel, partition, MIN(due_at) FROM parked WHERE group_name = ? AND state = 'waiting'
    GROUP BY source, channel, partition
"""
_PROMOTE = """
    UPDATE parked SET state = 'waiting', due_at = ?
    WHERE group_name = ? AND source = ? AND channel = ? AND key = ? AND state = 'queued' AND seq = (
        SELECT MIN(seq) FROM parked WHERE group_name = ? AND source = ? AND channel = ? AND key = ?
    )
"""
_KEPT = """
    SELECT source, channel, partition, COUNT(*) FROM parked WHERE group_name = ? AND state = 'newer'
    GROUP BY source, channel, partition
"""
_TRY_KEPT = "UPDATE parked SET state = 'waiting', due_at = ? WHERE group_name = ? AND state = 'newer'"
_RETRY = "UPDATE parked SET state = 'waiting', attempts = 0, due_at = ? WHERE group_name = ? AND state <> 'queued'"
