"""Whatever is delivered twice, tried again, undone or restarted in between: it ends as one clean pass does."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table

from mallbots_platform import schema
from mallbots_platform.causes import UNKNOWN
from mallbots_platform.clock import now_us, rfc3339
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.envelope import Envelope, encode_envelope
from mallbots_platform.errors import DatabaseAway
from mallbots_platform.handling import Handling, Received, Route
from mallbots_platform.inbox import Inbox
from mallbots_platform.leases import Fence
from mallbots_platform.messages import Contract, event
from mallbots_platform.outbox import Outbox
from mallbots_platform.parking import ParkingLot, RetryPolicy
from mallbots_platform.partitions import StreamName
from mallbots_platform.pieces import Piece
from mallbots_platform.writer import Writer
from telemetry.bundle import open_telemetry


@event
class Added:
    number: int


@event
class Summed:
    """What the consumer publishes for each."""

    number: int


SOURCE = Contract(context="source", events=(Added,))
OWN = Contract(context="own", events=(Summed,))
STREAM = StreamName("source", "events", 0)
metadata = MetaData()
sums = Table("sums", metadata, Column("position", Integer, primary_key=True), Column("number", Integer, nullable=False))


class Consumer:
    """One consumer over a database; `restart` keeps nothing but the database."""

    source = SOURCE

    def __init__(self, url: str, failures: dict[int, int]) -> None:
        self.url = url
        self.failures = failures
        self.database = Database(url)
        self.database.run("PRAGMA synchronous = OFF")
        self.restart()

    def restart(self) -> None:
        telemetry = open_telemetry("own", {})
        self.writer = Writer(self.database, telemetry.meter)
        codec = Codec(OWN, self.source)
        outbox = Outbox("own", 1, self.writer, codec, telemetry.tracer)
        self.outbox = outbox
        lot = ParkingLot("own", self.database, RetryPolicy(attempts=50, base_seconds=0, cap_seconds=0))
        self.inbox = Inbox("own", self.writer, Handling("own", self.writer, outbox, codec, telemetry), lot, telemetry)
        self.route = Route("source", "events", {"source.Added": self.add})

    def add(self, message: Added, envelope: Envelope) -> None:
        if self.failures.get(message.number, 0) > 0:
            self.failures[message.number] -= 1
            raise ValueError("not now")
        self.database.run("INSERT INTO sums (number) VALUES (?)", (message.number,))
        self.outbox.record(Summed(number=message.number), key=envelope.subject)

    def change(self, work: Callable[[], Any]) -> Any:
        piece = Piece(work, UNKNOWN, None)  # type: ignore[arg-type] # nobody waits for it: it runs right here
        self.writer._commit([piece])
        return piece.result

    def deliver(self, entries: list[Received]) -> None:
        while entries:
            applied = self.change(partial(self.inbox.apply, self.route, STREAM, entries, Fence("own/0", 0, 1)))
            entries = applied.left if applied else []

    def deliver_and_lose_the_commit(self, entries: list[Received]) -> None:
        def lost() -> None:
            self.inbox.apply(self.route, STREAM, entries, Fence("own/0", 0, 1))
            raise DatabaseAway("the power went")

        self.change(lost)

    def retry(self) -> bool:
        """Whether there was something to be tried again."""
        due = self.inbox.lot.due([STREAM])
        attempts = self.inbox.attempts({STREAM: self.route}, lambda partition: Fence("own/0", 0, 1))
        for message in due:
            self.change(partial(attempts.attempt, message))
        return bool(due)

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        rows = self.database.run
        return {
            "applied": rows("SELECT applied_seq FROM inbox"),
            "parked": rows("SELECT * FROM parked"),
            "sums": sorted(rows("SELECT number FROM sums")),
            "said": sorted(rows("SELECT type, key, causation_id FROM outbox")),
            "outcomes": rows("SELECT seq, outcome FROM deliveries ORDER BY seq"),
        }

    def order_per_key(self, keys: list[str]) -> dict[str, list[int]]:
        found = [number for (number,) in self.database.run("SELECT number FROM sums ORDER BY position")]
        return {key: [number for number in found if keys[number - 1] == key] for key in set(keys)}


@cache
def empty_database() -> bytes:
    """Made once, for making the tables is what takes time."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{directory}/empty.db")
        database.create(schema.metadata)
        database.create(metadata)
        database.run("INSERT INTO fences VALUES ('own/0', 1, 'me')")
        database.run("PRAGMA journal_mode = DELETE")
        database.close()
        return Path(directory, "empty.db").read_bytes()


@contextmanager
def consumer(failures: dict[int, int]) -> Iterator[Consumer]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "own.db").write_bytes(empty_database())
        opened = Consumer(f"sqlite:///{directory}/own.db", dict(failures))
        try:
            yield opened
        finally:
            opened.database.close()


def entry(number: int, key: str) -> Received:
    envelope = Envelope(
        id=f"event-{number}",
        type="source.Added",
        source="source",
        subject=key,
        time=rfc3339(now_us()),
        dataversion=1,
        channel="events",
        partition=0,
        sequence=number,
        correlationid=key,
        causationid="",
        data=msgspec.Raw(msgspec.json.encode(Added(number=number))),
    )
    return Received(number, encode_envelope(envelope), now_us(), now_us())


KEYS = st.lists(st.sampled_from("abc"), min_size=1, max_size=12)
FAILURES = st.dictionaries(st.integers(1, 12), st.integers(1, 3), max_size=4)
STEP = st.one_of(
    st.tuples(st.sampled_from(["deliver", "lose the commit"]), st.integers(0, 11), st.integers(1, 12)),
    st.tuples(st.sampled_from(["retry", "restart"]), st.just(0), st.just(0)),
)


@settings(max_examples=40)
@given(keys=KEYS, failures=FAILURES, steps=st.lists(STEP, max_size=14))
def test_any_interleaving_ends_as_a_clean_pass(
    keys: list[str], failures: dict[int, int], steps: list[tuple[str, int, int]]
) -> None:
    entries = [entry(number, key) for number, key in enumerate(keys, 1)]

    with consumer({}) as clean, consumer(failures) as tried:
        clean.deliver(entries)
        for what, start, count in steps:
            match what:
                case "deliver":
                    tried.deliver(entries[start : start + count])
                case "lose the commit":
                    tried.deliver_and_lose_the_commit(entries[start : start + count])
                case "retry":
                    tried.retry()
                case "restart":
                    tried.restart()
        tried.deliver(entries)
        while tried.retry():
            pass

        assert tried.state() == clean.state()
        assert tried.order_per_key(keys) == clean.order_per_key(keys)


def test_a_hole_stops_at_the_hole() -> None:
    entries = [entry(number, "a") for number in (1, 3)]

    with consumer({}) as strict:
        strict.deliver(entries)

        assert strict.state()["applied"] == [(1,)]
        assert strict.state()["sums"] == [(1,)]
