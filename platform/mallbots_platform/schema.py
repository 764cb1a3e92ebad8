"""The platform's own tables, the same in every context's database. Times are microseconds since the epoch, UTC.

They are described as they are today; `MIGRATIONS` lead to that from what they were first.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from mallbots_platform.migrations import Migration, number_of

metadata = MetaData()

_POSITION = BigInteger().with_variant(Integer, "sqlite")


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in names]


def _added_texts(*names: str) -> list[Column[str]]:
    """They came later: who does not know them may leave them out."""
    return [Column(name, Text, nullable=False, server_default="") for name in names]


def _added_numbers(**defaults: int) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default=str(least)) for name, least in defaults.items()]


facts = Table("platform_facts", metadata, Column("name", Text, primary_key=True), *_texts("value"))

events = Table(
    "events",
    metadata,
    *_texts("stream_id"),
    *_numbers("version"),
    *_texts("type"),
    *_numbers("data_version"),
    *_texts("data", "correlation_id"),
    *_numbers("recorded_at"),
    PrimaryKeyConstraint("stream_id", "version"),
    sqlite_with_rowid=False,  # the events of a stream lie together, however many others were written in between
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("stream_id", Text, primary_key=True),
    *_numbers("version"),
    *_texts("state", "shape"),
)

outbox = Table(
    "outbox",
    metadata,
    *_texts("channel"),
    *_numbers("partition", "seq"),
    *_texts("id", "type", "key", "correlation_id", "causation_id", "trace_id"),
    *_numbers("committed_at"),
    *_texts("envelope"),
    PrimaryKeyConstraint("channel", "partition", "seq"),
    Index("outbox_by_id", "id"),
    Index("outbox_by_correlation", "correlation_id"),
)

outbox_heads = Table(
    "outbox_heads",
    metadata,
    *_texts("channel"),
    *_numbers("partition", "last_seq", "published_seq", "published_at", "trimmed_seq", "pruned_seq", "republished"),
    *_added_texts("epoch"),
    PrimaryKeyConstraint("channel", "partition"),
)

outbox_epochs = Table(
    "outbox_epochs",
    metadata,
    *_texts("channel"),
    *_numbers("partition"),
    *_texts("epoch"),
    *_numbers("first_seq", "began_at"),
    PrimaryKeyConstraint("channel", "partition", "epoch"),
)

aside = Table(  # what this context said and its log does not know any more, until somebody has settled it
    "aside",
    metadata,
    *_texts("channel"),
    *_numbers("partition", "seq"),
    *_texts("id", "type", "key", "correlation_id", "epoch"),
    *_numbers("found_at", "settled_at"),
    *_texts("outcome", "envelope"),
    PrimaryKeyConstraint("channel", "partition", "id"),
)

inbox = Table(
    "inbox",
    metadata,
    *_texts("group_name", "source", "channel"),
    *_numbers("partition", "applied_seq", "replay_until", "duplicates"),
    *_added_texts("epoch", "message_id"),
    PrimaryKeyConstraint("group_name", "source", "channel", "partition"),
)

crash_notes = Table(
    "crash_notes",
    metadata,
    *_texts("lane", "item", "life"),
    *_numbers("deaths"),
    PrimaryKeyConstraint("lane", "item"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("position", _POSITION, primary_key=True, autoincrement=True),
    *_texts("group_name", "source", "channel"),
    *_numbers("partition", "seq"),
    *_texts("message_id", "type", "key", "correlation_id", "outcome"),
    *_numbers("attempts", "outbox_us", "stream_us", "handler_us", "critical_us", "committed_at"),
    *_texts("error"),
    Index("deliveries_by_entry", "group_name", "source", "channel", "partition", "seq", unique=True),
    Index("deliveries_by_correlation", "correlation_id"),
)

lost = Table(  # what a group has applied and its source has lost
    "lost",
    metadata,
    *_texts("group_name", "source", "channel"),
    *_numbers("partition", "seq"),
    *_texts("message_id", "type", "key", "correlation_id", "outcome"),
    *_numbers("settled_at"),
    PrimaryKeyConstraint("group_name", "source", "channel", "partition", "message_id"),
)

parked = Table(
    "parked",
    metadata,
    Column("id", _POSITION, primary_key=True, autoincrement=True),
    *_texts("group_name", "source", "channel"),
    *_numbers("partition", "seq"),
    *_texts("message_id", "type", "key", "state"),
    *_numbers("attempts", "due_at", "parked_at", "published_at"),
    *_texts("error", "envelope"),
    Index("parked_by_key", "group_name", "source", "channel", "partition", "key", "seq", unique=True),
    Index("parked_by_due", "group_name", "state", "due_at"),
)

listened = Table(  # what a group listens to, and how much of it it let go by before it did
    "listened",
    metadata,
    *_texts("group_name", "source", "channel", "type"),
    *_numbers("passed_over", "counted_to", "left_to"),
    PrimaryKeyConstraint("group_name", "source", "channel", "type"),
)

fences = Table("fences", metadata, Column("unit", Text, primary_key=True), *_numbers("generation"), *_texts("owner"))

timers = Table(
    "timers",
    metadata,
    *_texts("type", "key", "id"),
    *_numbers("due_at", "attempts"),
    *_texts("data", "correlation_id", "traceparent", "error"),
    *_added_texts("causation_id"),
    *_added_numbers(data_version=1, kept=0),
    PrimaryKeyConstraint("type", "key"),
    Index("timers_by_due", "due_at"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    *_texts("method", "correlation_id"),
    *_numbers("received_at", "duration_us"),
    Column("request_hash", LargeBinary),
    Column("response", LargeBinary),
    *_texts("error_type", "error_text"),
    *_added_texts("causation_id"),
)

keys = Table(  # those that callers have given to what they may call again, with what they were answered
    "idempotency_keys",
    metadata,
    *_texts("caller", "method", "key", "request_id"),
    Column("request_hash", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    *_texts("error_type", "error_text"),
    PrimaryKeyConstraint("caller", "method", "key"),
    sqlite_with_rowid=False,
)

sagas = Table(
    "sagas",
    metadata,
    *_texts("saga", "id", "state", "step", "awaiting"),
    *_numbers("started_at", "changed_at"),
    *_added_texts("steps", "refusal"),
    PrimaryKeyConstraint("saga", "id"),
    Index("sagas_by_state", "saga", "state"),
)

REFUSED_BY_THE_FIRST = "2"  # the fact `schema`, by which programs that know no numbers see that they are too old
MIGRATIONS = (
    Migration(
        number=2,
        name="steps are numbered",
        oldest=2,
        statements=(f"UPDATE platform_facts SET value = '{REFUSED_BY_THE_FIRST}' WHERE name = 'schema'",),
    ),
    Migration(
        number=3,
        name="numbers have epochs",
        oldest=3,
        creates=(outbox_epochs, aside, lost),
        statements=(
            "ALTER TABLE outbox_heads ADD COLUMN epoch TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE inbox ADD COLUMN epoch TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE inbox ADD COLUMN message_id TEXT NOT NULL DEFAULT ''",
        ),
    ),
    Migration(
        number=4,
        name="timers know who set them",
        statements=(
            "ALTER TABLE timers ADD COLUMN causation_id TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE requests ADD COLUMN causation_id TEXT NOT NULL DEFAULT ''",
        ),
    ),
    Migration(
        number=5,
        name="whatever is tried again is noted in one way",
        oldest=5,
        statements=(
            "DROP TABLE crash_notes",  # a death that was counted is counted once more, from the start
            "CREATE TABLE crash_notes (lane TEXT NOT NULL, item TEXT NOT NULL, life TEXT NOT NULL,"
            " deaths BIGINT NOT NULL, PRIMARY KEY (lane, item))",
        ),
    ),
    Migration(
        number=6,
        name="a call has an id and a key",
        oldest=6,  # an earlier one would not find the keys that are given from now on, and do a call twice
        creates=(keys,),
    ),
    Migration(
        number=7,
        name="timers wait for later programs",
        statements=(
            "ALTER TABLE timers ADD COLUMN data_version BIGINT NOT NULL DEFAULT 1",
            "ALTER TABLE timers ADD COLUMN kept BIGINT NOT NULL DEFAULT 0",
        ),
    ),
    Migration(
        number=8,
        name="processes know their steps by name",
        statements=(
            "ALTER TABLE sagas ADD COLUMN steps TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE sagas ADD COLUMN refusal TEXT NOT NULL DEFAULT ''",
        ),
    ),
    Migration(
        number=9,
        name="what a group listens to is noted",
        creates=(listened,),
    ),
)
VERSION = number_of(MIGRATIONS)
