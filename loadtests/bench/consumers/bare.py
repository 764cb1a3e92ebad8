"""What one writes by hand: redis-py, an inbox and an outbox table, a savepoint an event, a commit a batch."""

import sqlite3
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from redis import Redis
from uuid_utils import uuid7

from loadtests.bench.gate import Gate
from loadtests.bench.letters import INSERT, TABLE
from loadtests.bench.mail import RECEIVER, SENDER, LetterReceived, LetterSent, streams

GROUP = CONSUMER = "bare"
BATCH = 100
TABLES = (
    TABLE,
    "CREATE TABLE inbox (id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE outbox (number INTEGER PRIMARY KEY, stream TEXT, message BLOB)",
    "CREATE TABLE published (up_to INTEGER)",
    "INSERT INTO published VALUES (0)",
)


class Message(msgspec.Struct, gc=False):
    """The attributes that it needs of the envelope."""

    id: str
    type: str
    subject: str
    traceparent: str
    data: msgspec.Raw


class Tracing(Protocol):
    """What is done about telemetry around each event."""

    def handle(self, message: Message, stream: str, work: Callable[[Callable[..., str]], None]) -> None: ...
    def close(self) -> None: ...


class NoTracing:
    def handle(self, message: Message, stream: str, work: Callable[[Callable[..., str]], None]) -> None:
        work(lambda **attributes: message.traceparent)

    def close(self) -> None: ...


read_message = msgspec.json.Decoder(Message).decode
read_letter = msgspec.json.Decoder(LetterSent).decode
encode = msgspec.json.Encoder().encode


class Consumer:
    def __init__(self, redis_url: str, database: str, tracing: Tracing) -> None:
        self.redis: Any = Redis.from_url(redis_url)
        self._database = sqlite3.connect(database, isolation_level=None)
        self._tracing = tracing
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        for table in TABLES:
            self._database.execute(table)
        self._execute = self._database.cursor().execute
        self._into = dict(zip((s.key for s in streams(SENDER)), (s.key for s in streams(RECEIVER)), strict=True))
        self._outbox: list[tuple[str, bytes]] = []
        self._number = 0

    def create_groups(self) -> None:
        for stream in self._into:
            self.redis.xgroup_create(stream, GROUP, "0", mkstream=True)

    def step(self) -> int:
        """Read once, and deal with all of it; how many events."""
        answer = self.redis.xreadgroup(GROUP, CONSUMER, dict.fromkeys(self._into, ">"), count=BATCH, block=100)
        for stream, entries in answer:
            self._apply(stream.decode(), entries)
        return sum(len(entries) for _, entries in answer)

    def _apply(self, stream: str, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        self._outbox.clear()
        self._execute("BEGIN IMMEDIATE")
        for _, fields in entries:
            self._handle(stream, read_message(fields[b"e"]))
        self._execute("UPDATE published SET up_to = ?", (self._number - len(self._outbox),))
        self._execute("COMMIT")
        self._publish(stream, [id for id, _ in entries])

    def _handle(self, stream: str, message: Message) -> None:
        self._execute("SAVEPOINT event")
        try:
            self._execute("INSERT INTO inbox (id) VALUES (?)", (message.id,))
            self._tracing.handle(message, stream, lambda told: self._on_letter(stream, message, told))
        except sqlite3.IntegrityError:
            self._execute("ROLLBACK TO event")
        self._execute("RELEASE event")

    def _on_letter(self, stream: str, message: Message, told: Callable[..., str]) -> None:
        letter = read_letter(message.data)
        self._execute(INSERT, (letter.number, letter.receiver, letter.city))
        id, receipt = str(uuid7()), LetterReceived(number=letter.number, receiver=letter.receiver)
        traceparent = told(id=id, type="receiver.LetterReceived", subject=message.subject)
        out = encode(
            {"id": id, "type": "receiver.LetterReceived", "source": "receiver", "subject": message.subject,
             "causationid": message.id, "traceparent": traceparent, "data": receipt}
        )  # fmt: skip
        self._number += 1
        self._execute("INSERT INTO outbox VALUES (?, ?, ?)", (self._number, self._into[stream], out))
        self._outbox.append((self._into[stream], out))

    def _publish(self, stream: str, ids: list[bytes]) -> None:
        pipeline = self.redis.pipeline(transaction=False)
        for into, message in self._outbox:
            pipeline.xadd(into, {"e": message})
        pipeline.xack(stream, GROUP, *ids)
        pipeline.execute()


def main(tracing: Tracing) -> None:
    gate = Gate()
    consumer = Consumer(gate.work["redis"], gate.work["database"], tracing)
    consumer.create_groups()
    gate.wait()
    left = gate.work["events"]
    while left > 0:
        left -= consumer.step()
    tracing.close()
    gate.wait_for_the_end()
    gate.report()


if __name__ == "__main__":
    main(NoTracing())
