"""What an operator may ask a context's database: its log, its deliveries, what is parked, its sagas. All read only."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.database import Database
from mallbots_platform.errors import InvalidInput
from mallbots_platform.parking import ParkedMessage
from mallbots_platform.partitions import StreamName
from mallbots_platform.saga_wakeups import IS_ASLEEP, timer_type
from mallbots_platform.validation import optional_text, text

DEFAULT_LIMIT, LARGEST_LIMIT = 200, 1000
MOST_FOUND = 5000
MOST_EPOCHS = 1000
SAGA_TROUBLES = ("", "stuck", "asleep")
LARGEST_ANSWER = 3 << 20
M = TypeVar("M", bound=Message)


class OperatorQueries:
    """Methods run in a reader's thread."""

    def __init__(self, context: str, database: Database) -> None:
        self.context = context
        self._database = database

    def read_log(self, request: pb.ReadLogRequest) -> pb.ReadLogResponse:
        place = (optional_text(request.channel, "channel"), request.partition)
        rows = self._database.run(
            f"{_LOG} WHERE o.channel = ? AND o.partition = ? AND o.seq > ? ORDER BY o.seq LIMIT ?",
            (*place, request.after_sequence, limit(request.limit)),
        )
        heads = self._database.run("SELECT last_seq FROM outbox_heads WHERE channel = ? AND partition = ?", place)
        at = self._database.run(_ID_AT, (*place, request.after_sequence))
        channels = self._database.run("SELECT DISTINCT channel FROM outbox_heads ORDER BY channel")
        return pb.ReadLogResponse(
            entries=_that_fit(self._log_entry(row) for row in rows),
            last_sequence=heads[0][0] if heads else 0,
            channels=[channel for (channel,) in channels],
            epochs=self._epochs(place),
            message_id_at=at[0][0] if at else "",
        )

    def _epochs(self, place: tuple[str, int]) -> list[pb.Epoch]:
        newest = self._database.run(_EPOCHS, (*place, MOST_EPOCHS))
        return [pb.Epoch(id=epoch, first_sequence=first) for epoch, first in reversed(newest)]

    def find_messages(self, request: pb.FindMessagesRequest) -> pb.FindMessagesResponse:
        """Correlation covers a whole conversation; the other ids are for those who hold but one message of it."""
        wanted, found = text(request.id, "id"), dict[tuple[Any, ...], pb.LogEntry]()
        for column in ("correlation_id", "id", "causation_id", "trace_id", "key"):
            where = f"{_LOG} WHERE o.{column} = ? ORDER BY o.channel, o.partition, o.seq LIMIT {MOST_FOUND}"
            for row in self._database.run(where, (wanted,)):
                found[row[:3]] = self._log_entry(row)
        return pb.FindMessagesResponse(entries=_that_fit(found.values()))

    def read_deliveries(self, request: pb.ReadDeliveriesRequest) -> pb.ReadDeliveriesResponse:
        rows = self._database.run(
            f"{_DELIVERIES} WHERE position > ? ORDER BY position LIMIT ?",
            (request.after_position, limit(request.limit)),
        )
        return pb.ReadDeliveriesResponse(deliveries=[_delivery(row) for row in rows])

    def find_deliveries(self, request: pb.FindDeliveriesRequest) -> pb.FindDeliveriesResponse:
        wanted, found = text(request.id, "id"), dict[int, pb.Delivery]()
        for column in ("correlation_id", "message_id", "key"):
            where = f"{_DELIVERIES} WHERE {column} = ? ORDER BY position LIMIT {MOST_FOUND}"
            for row in self._database.run(where, (wanted,)):
                found[row[0]] = _delivery(row)
        return pb.FindDeliveriesResponse(deliveries=found.values())

    def find_requests(self, request: pb.FindRequestsRequest) -> pb.FindRequestsResponse:
        found = []
        for wanted in list(request.ids)[:MOST_FOUND]:
            for row in self._database.run(f"{_REQUESTS} WHERE id = ?", (optional_text(wanted, "ids"),)):
                found.append(pb.Request(**dict(zip(_REQUEST_FIELDS, row, strict=True)), context=self.context))
        return pb.FindRequestsResponse(requests=found)

    def list_parked(self, request: pb.ListParkedRequest) -> pb.ListParkedResponse:
        columns = ", ".join(_PARKED_COLUMNS)
        group, state = optional_text(request.group, "group"), optional_text(request.state, "state")
        rows = self._database.run(
            f"SELECT {columns} FROM parked WHERE id > ? AND (? = '' OR group_name = ?) AND (? = '' OR state = ?)"
            " ORDER BY id LIMIT ?",
            (request.after_id, *[group] * 2, *[state] * 2, limit(request.limit)),
        )
        return pb.ListParkedResponse(parked=_that_fit(_parked(ParkedMessage(*row)) for row in rows))

    def list_sagas(self, request: pb.ListSagasRequest) -> pb.ListSagasResponse:
        id, state = optional_text(request.id, "id"), optional_text(request.state, "state")
        if request.trouble not in SAGA_TROUBLES:
            raise InvalidInput("trouble", f"is {request.trouble!r}, must be one of {', '.join(SAGA_TROUBLES)}")
        values = (*[id] * 3, *[state] * 2, *[request.trouble] * 2, timer_type(self.context), limit(request.limit))
        rows = self._database.run(_SAGAS, values)
        return pb.ListSagasResponse(sagas=[self._saga(row, with_history=bool(id)) for row in rows])

    def _saga(self, row: Sequence[Any], *, with_history: bool) -> pb.SagaState:
        saga = pb.SagaState(**dict(zip(_SAGA_FIELDS, row, strict=True)))
        if with_history:
            saga.history.extend(self._history(saga.id))
        return saga

    def list_lost(self) -> list[pb.LostMessage]:
        """What is settled, and what waits in this database."""
        return [
            pb.LostMessage(**dict(zip(_LOST_FIELDS, row, strict=True)))
            for statement, values in ((_LOST, ()), (_ASIDE, (self.context,)))
            for row in self._database.run(statement, values)
        ]

    def lost_behind(self, group: str, stream: StreamName, seq: int) -> list[pb.LostMessage]:
        """What a group has applied behind a number, of which its source knows nothing any more."""
        rows = self._database.run(_LOST_BEHIND, (group, *stream, seq, MOST_FOUND))
        return [pb.LostMessage(**dict(zip(_LOST_FIELDS, row, strict=True))) for row in rows]

    def totals(self) -> pb.GetTotalsResponse:
        [(committed, published, republished)] = self._database.run(_PUBLISHED)
        [(duplicates,)] = self._database.run("SELECT CAST(COALESCE(SUM(duplicates), 0) AS BIGINT) FROM inbox")
        outcomes: dict[str, int] = dict(self._database.run("SELECT outcome, COUNT(*) FROM deliveries GROUP BY outcome"))
        states: dict[str, int] = dict(self._database.run("SELECT state, COUNT(*) FROM parked GROUP BY state"))
        dead = states.pop("dead", 0)
        [(retried,)] = self._database.run("SELECT COUNT(*) FROM deliveries WHERE attempts > 1")
        return pb.GetTotalsResponse(
            committed=committed,
            published=published,
            republished=republished,
            duplicates=duplicates,
            applied=outcomes.get("applied", 0),
            ignored=outcomes.get("ignored", 0),
            parked=sum(states.values()),
            dead=dead,
            retried=retried,
        )

    def _history(self, process_id: str) -> Sequence[pb.SagaEntry]:
        rows = self._database.run(_HISTORY, (f"SagaProcess-{process_id}",))
        entries = []
        for at, type_name, data in rows:
            facts = json.loads(data)
            step = str(facts.pop("step", ""))
            facts.pop("data", None)
            detail = ", ".join(f"{name}={value}" for name, value in facts.items())
            entries.append(pb.SagaEntry(at=at, event=type_name.partition(".")[2], step=step, detail=detail))
        return entries

    def _log_entry(self, row: Sequence[Any]) -> pb.LogEntry:
        entry = pb.LogEntry(**dict(zip(_LOG_FIELDS, row[:-1], strict=True)), source=self.context)
        entry.envelope = row[-1].encode()
        return entry


def limit(wanted: int) -> int:
    """0 means the default. Raises InvalidInput."""
    if not 0 <= wanted <= LARGEST_LIMIT:
        raise InvalidInput("limit", f"is {wanted}, must be between 0 and {LARGEST_LIMIT}")
    return wanted or DEFAULT_LIMIT


def _that_fit(found: Iterable[M]) -> list[M]:
    """As many as one answer may hold, from the first on; whoever pages goes on after the last."""
    fitting: list[M] = []
    size = 0
    for message in found:
        size += message.ByteSize()
        if fitting and size > LARGEST_ANSWER:
            break
        fitting.append(message)
    return fitting


def _delivery(row: Sequence[Any]) -> pb.Delivery:
    return pb.Delivery(**dict(zip(_DELIVERY_FIELDS, row, strict=True)))


def _parked(message: ParkedMessage) -> pb.Parked:
    fields = message._asdict()
    fields.pop("published_at")
    envelope = fields.pop("envelope").encode()
    return pb.Parked(
        **{_PARKED_NAMES.get(name, name): value for name, value in fields.items()},
        envelope=envelope,
    )


_LOG_FIELDS = (
    *("channel", "partition", "sequence", "message_id", "type", "subject", "correlation_id", "causation_id"),
    *("trace_id", "committed_at", "published_at"),
)
_LOG = """
    SELECT o.channel, o.partition, o.seq, o.id, o.type, o.key, o.correlation_id, o.causation_id, o.trace_id,
        o.committed_at, CASE WHEN o.seq <= h.published_seq THEN h.published_at ELSE 0 END, o.envelope
    FROM outbox o JOIN outbox_heads h ON h.channel = o.channel AND h.partition = o.partition
"""
_SAGA_FIELDS = ("saga", "id", "state", "step", "refusal", "awaiting")
_SAGAS = f"""
    SELECT {", ".join(_SAGA_FIELDS)} FROM sagas
    WHERE (? = '' OR id = ? OR id = saga || ':' || ?) AND (? = '' OR state = ?)
        AND (? <> 'stuck' OR refusal <> '') AND (? <> 'asleep' OR ({IS_ASLEEP}))
    ORDER BY started_at DESC LIMIT ?
"""
_ID_AT = "SELECT id FROM outbox WHERE channel = ? AND partition = ? AND seq = ?"
_EPOCHS = """
    SELECT epoch, first_seq FROM outbox_epochs WHERE channel = ? AND partition = ? ORDER BY first_seq DESC LIMIT ?
"""
_LOST_FIELDS = (
    *("group", "source", "channel", "partition", "sequence", "message_id", "type", "subject", "correlation_id"),
    *("outcome", "settled_at"),
)
_LOST = """
    SELECT group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome, settled_at
    FROM lost ORDER BY settled_at, group_name, source, channel, partition, seq
"""
_ASIDE = """
    SELECT '', CAST(? AS TEXT), channel, partition, seq, id, type, key, correlation_id, outcome, settled_at
    FROM aside ORDER BY found_at, channel, partition, seq
"""
_LOST_BEHIND = """
    SELECT group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome, 0
    FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq > ?
    ORDER BY seq LIMIT ?
"""
_DELIVERY_FIELDS = (
    *("position", "message_id", "type", "group", "source", "channel", "partition", "sequence", "subject"),
    *("correlation_id", "outcome", "attempts", "outbox_us", "stream_us", "handler_us", "critical_us"),
    *("committed_at", "error"),
)
_DELIVERIES = """
    SELECT position, message_id, type, group_name, source, channel, partition, seq, key, correlation_id, outcome,
        attempts, outbox_us, stream_us, handler_us, critical_us, committed_at, error
    FROM deliveries
"""
_REQUEST_FIELDS = ("id", "method", "received_at", "duration_us", "correlation_id")
_REQUESTS = "SELECT id, method, received_at, duration_us, correlation_id FROM requests"
_PARKED_NAMES = {"seq": "sequence", "key": "subject"}
_PARKED_COLUMNS = [{"group": "group_name"}.get(name, name) for name in ParkedMessage._fields]
_PUBLISHED = """
    SELECT CAST(COALESCE(SUM(last_seq), 0) AS BIGINT), CAST(COALESCE(SUM(published_seq), 0) AS BIGINT),
        CAST(COALESCE(SUM(republished), 0) AS BIGINT) FROM outbox_heads
"""
_HISTORY = "SELECT recorded_at, type, data FROM events WHERE stream_id = ? ORDER BY version"
