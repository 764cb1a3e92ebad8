"""Event-sourced aggregates: their events, in order, under an optimistic lock; snapshots so that old ones load fast."""

import hashlib
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.clock import now_us
from mallbots_platform.code_hash import code_hash
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database, Row
from mallbots_platform.errors import AlreadyExists, CannotBeLoaded, Conflict, NewerVersion, NotFound, PlatformError
from mallbots_platform.messages import Contract
from mallbots_platform.outbox import Outbox
from mallbots_platform.unwritable import refuse_unwritable
from telemetry.metrics import Meter

A = TypeVar("A", bound=Aggregate)


class EventSourced(Generic[A]):
    """The repository of one kind of aggregate. Its domain events are stored as `<Aggregate>.<Event>`."""

    def __init__(
        self,
        kind: type[A],
        events: tuple[type, ...] | Contract,
        database: Database,
        outbox: Outbox,
        meter: Meter,
        snapshot_every: int = 100,
    ) -> None:
        self._type = kind
        self._kind = _words(kind.__name__)
        contract = events if isinstance(events, Contract) else Contract(context=kind.__name__, events=events)
        self._codec = Codec(contract, own=True)
        self._shape = _shape(kind, contract)
        self._database = database
        self._outbox = outbox
        self._snapshot_every = snapshot_every
        self._conflicts = meter.counter("mallbots_event_store_conflicts_total")
        self._rehydrated = meter.histogram("mallbots_rehydrate_events")

    def get(self, id: str) -> A:
        """Raises NotFound for an id under which nothing was ever recorded."""
        found = self.find(id)
        if found is None:
            raise NotFound(self._kind, id)
        return found

    def find(self, id: str) -> A | None:
        aggregate, rows = self._read(id)
        if not rows and aggregate is None:
            return None
        aggregate = aggregate or self._type(id=id)
        self._follow(aggregate, rows)
        self._rehydrated.observe(len(rows))
        aggregate.behind_snapshot = len(rows)
        return aggregate

    def add(self, aggregate: A) -> None:
        """Raises AlreadyExists when something was recorded under this id before."""
        if self._database.run(_EXISTS, (self._stream(aggregate.id),)):
            raise AlreadyExists(self._kind, aggregate.id)
        self.save(aggregate)

    def save(self, aggregate: A) -> None:
        """Append what was recorded and publish it. Raises Conflict when the aggregate has moved on meanwhile."""
        recorded = aggregate.recorded
        if not recorded:
            return
        before = aggregate.version
        after = before + len(recorded)
        self._outbox.record_events(aggregate, range(before + 1, after + 1))
        aggregate.version = before
        self._append(aggregate, recorded, before)
        aggregate.saved(after)
        has_none_of_use = aggregate.behind_snapshot >= self._snapshot_every
        if has_none_of_use or after // self._snapshot_every > before // self._snapshot_every:
            self._take_snapshot(aggregate)

    def age(self, id: str) -> float:
        """Seconds since the first of its events was recorded; 0 where there is none yet."""
        began = self._database.run(_BEGAN, (self._stream(id),))
        return max(0.0, (now_us() - began[0][0]) / 1e6) if began else 0.0

    def _read(self, id: str) -> tuple[A | None, list[Row]]:
        """The snapshot, if there is one that can be read, and the events behind it. Most aggregates have none, and then
        one statement is enough."""
        stream = self._stream(id)
        rows = self._database.run(_READ_BEHIND_SNAPSHOT, (stream, stream))
        if rows and rows[0][0] == 1:
            return None, rows
        snapshot = self._snapshot(id)
        if snapshot is None:
            return None, self._database.run(_READ, (stream,))
        return snapshot, [row for row in rows if row[0] > snapshot.version]

    def _follow(self, aggregate: A, rows: list[Row]) -> None:
        """Whatever its events and `apply` say against it refuses nothing that somebody wants now."""
        try:
            for version, type_name, data_version, data, correlation_id in rows:
                aggregate.apply(self._codec.decode(type_name, data_version, data))
                aggregate.version, aggregate.correlation_id = version, correlation_id
        except NewerVersion:
            raise
        except PlatformError as error:
            raise CannotBeLoaded(f"{self._kind} {aggregate.id} cannot be loaded: {error}") from error

    def _append(self, aggregate: A, recorded: tuple[Any, ...], before: int) -> None:
        stream, correlation_id, recorded_at = self._stream(aggregate.id), aggregate.correlation_id, now_us()
        [(current,)] = self._database.run(_VERSION, (stream,))
        rows = []
        for version, event in enumerate(recorded, before + 1):
            wire = self._codec.wire(type(event))
            data = self._codec.encode(event).decode()
            rows.append((stream, version, wire.name, wire.version, data, correlation_id, recorded_at))
        if current != before:
            self._refuse(aggregate)
        try:
            self._database.run_many(_APPEND, rows)
        except Exception as error:
            if self._database.is_duplicate(error):
                self._refuse(aggregate, error)
            raise

    def _refuse(self, aggregate: A, error: Exception | None = None) -> None:
        self._conflicts.inc()
        raise Conflict(f"{self._kind} {aggregate.id} has moved on since it was read") from error

    def _snapshot(self, id: str) -> A | None:
        for version, state, shape in self._database.run(_READ_SNAPSHOT, (self._stream(id),)):
            if shape == self._shape:
                snapshot = msgspec.json.decode(state, type=self._type)
                snapshot.version = version
                return snapshot
        return None

    def _take_snapshot(self, aggregate: A) -> None:
        state = msgspec.json.encode(aggregate)
        refuse_unwritable(aggregate, state)
        row = (self._stream(aggregate.id), aggregate.version, state.decode(), self._shape)
        self._database.run(_WRITE_SNAPSHOT, row)
        aggregate.behind_snapshot = 0
        reached("snapshot: written")

    def _stream(self, id: str) -> str:
        return f"{self._type.__name__}-{id}"


def _words(name: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _shape(kind: type, contract: Contract) -> str:
    """Changes when the fields of the state do, its events, or what it makes of them: so a snapshot of another program
    is not misread, and one of a program with a mistake is not believed."""
    schema: Callable[[Any], Any] = msgspec.json.schema
    versions = {contract.wire_name(event): contract.version(event) for event in contract.events}
    text = msgspec.json.encode([schema(kind), versions, code_hash(kind)], order="sorted")
    return hashlib.sha256(text).hexdigest()[:16]


_READ = """
    SELECT version, type, data_version, data, correlation_id FROM events WHERE stream_id = ? ORDER BY version
"""
_READ_BEHIND_SNAPSHOT = """
    SELECT version, type, data_version, data, correlation_id FROM events
    WHERE stream_id = ? AND version > COALESCE((SELECT version FROM snapshots WHERE stream_id = ?), 0) ORDER BY version
"""
_EXISTS = "SELECT 1 FROM events WHERE stream_id = ? LIMIT 1"
_BEGAN = "SELECT recorded_at FROM events WHERE stream_id = ? AND version = 1"
_VERSION = "SELECT COALESCE(MAX(version), 0) FROM events WHERE stream_id = ?"
_APPEND = """
    INSERT INTO events (stream_id, version, type, data_version, data, correlation_id, recorded_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_READ_SNAPSHOT = "SELECT version, state, shape FROM snapshots WHERE stream_id = ?"
_WRITE_SNAPSHOT = """
    INSERT INTO snapshots (stream_id, version, state, shape) VALUES (?, ?, ?, ?)
    ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, state = excluded.state, shape = excluded.shape
"""
