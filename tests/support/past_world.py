"""A source that can go back to any of its pasts, and a group that listens to it: no Redis, no network, one database."""

import contextlib
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Column, Integer, MetaData, Table, Text

from mallbots_platform.clock import now_us, rfc3339
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.envelope import Envelope, encode_envelope
from mallbots_platform.epochs import Epochs
from mallbots_platform.errors import DatabaseAway, Unavailable
from mallbots_platform.handling import Handling, Received, Route
from mallbots_platform.inbox import Inbox
from mallbots_platform.leases import Fence, Leases
from mallbots_platform.messages import Contract, event
from mallbots_platform.parking import ParkingLot, RetryPolicy
from mallbots_platform.partitions import StreamName
from mallbots_platform.source_log import Page
from mallbots_platform.subscriptions import Subscription
from tests.support.parts import Parts

STREAM = StreamName("source", "events", 0)


@event
class Said:
    number: int


SOURCE = Contract(context="source", events=(Said,))
metadata = MetaData()
heard_by_group = Table(
    "heard",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
)


@dataclass
class Past:
    """What a database holds: messages, and the epochs in which they were said."""

    messages: list[Envelope] = field(default_factory=list)
    firsts: list[tuple[int, str]] = field(default_factory=list)

    def copy(self) -> "Past":
        return Past(list(self.messages), list(self.firsts))


class Source:
    """`streams` are what Redis may still hold of each of its pasts."""

    def __init__(self) -> None:
        self.now = Past()
        self.backups = [Past()]
        self.streams: list[list[Envelope]] = [self.now.messages]
        self._numbers = 0
        self._epochs = 0
        self._begun = False

    def start_again(self) -> None:
        self._begun = False

    def back_up(self) -> None:
        self.backups.append(self.now.copy())

    def go_back(self, backup: int) -> None:
        self.now = self.backups[backup % len(self.backups)].copy()
        self.streams.append(self.now.messages)
        self.start_again()

    def say(self) -> None:
        before = self.now.firsts[-1][1] if self.now.firsts else ""
        seq, first = len(self.now.messages) + 1, not self._begun
        if first:
            self._begun, self._epochs = True, self._epochs + 1
            self.now.firsts.append((seq, f"epoch {self._epochs}"))
        self._numbers += 1
        self.now.messages.append(envelope(self._numbers, seq, self.now.firsts[-1][1], before if first else None))

    async def read(self, stream: StreamName, after: int, limit: int) -> Page:
        there = self.now.messages
        at_mark = there[after - 1].id if 0 < after <= len(there) else ""
        messages = [received(each) for each in there[after : after + limit]]
        return Page(messages, Epochs(tuple(self.now.firsts), len(there), at_mark))


def key_of(number: int) -> str:
    return f"key {number % 3}"


def envelope(number: int, seq: int, epoch: str, after: str | None) -> Envelope:
    return Envelope(
        id=f"message {number}",
        type="source.Said",
        source="source",
        subject=key_of(number),
        time=rfc3339(now_us()),
        dataversion=1,
        channel="events",
        partition=0,
        sequence=seq,
        correlationid="k",
        causationid="",
        traceparent=f"00-{number:032x}-{1:016x}-01",
        epoch=epoch,
        epochafter=UNSET if after is None else after,
        data=msgspec.Raw(msgspec.json.encode(Said(number=number))),
    )


def received(said: Envelope) -> Received:
    return Received(said.sequence, encode_envelope(said), now_us(), now_us())


class NoRedis:
    """What is delivered comes from the test; a group is set nowhere."""

    def key_of(self, stream: StreamName) -> str:
        return stream.key

    async def xgroup_setid(self, *arguments: Any) -> None: ...
    def pipeline(self, **options: Any) -> "NoRedis":
        return self

    def xack(self, *arguments: Any) -> None: ...
    def __len__(self) -> int:
        return 0


class Killed(DatabaseAway):
    """The process died of a message: nothing of its commit was kept, and nobody counted it."""


class Group(AbstractAsyncContextManager["Group"]):
    """`deadly` are the numbers of messages that kill whoever handles them."""

    def __init__(self, url: str, source: Source, deadly: Collection[int] = (), crash_limit: int = 10) -> None:
        self.source = source
        self.died = False
        self._deadly = deadly
        self._crash_limit = crash_limit
        self.parts = Parts(url, Contract(context="own"), partitions=1)

    async def __aenter__(self) -> "Group":
        await self.parts.__aenter__()
        parts, redis = self.parts, NoRedis()
        parts.codec.know(SOURCE)
        lot = ParkingLot("own", parts.database, RetryPolicy())
        handling = Handling("own", parts.writer, parts.outbox, parts.codec, parts.telemetry)
        inbox = Inbox("own", parts.writer, handling, lot, parts.telemetry)
        leases = Leases("own", 1, "me", redis, parts.writer, parts.telemetry)
        leases.owned = {0: Fence("own/0", 0, 1)}
        self.subscription = Subscription(
            "own",
            [(Route("source", "events", {"source.Said": self.hear}, projects=(heard_by_group,)), 1)],
            *(redis, parts.writer, parts.readers, inbox, leases, self.source, parts.telemetry),
            notes=CrashNotes(parts.database, self._crash_limit),
        )
        parts.database.create(metadata)
        parts.database.run("INSERT INTO fences VALUES ('own/0', 1, 'me') ON CONFLICT DO NOTHING")
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.parts.__aexit__(*exception)

    def hear(self, said: Said, envelope: Envelope) -> None:
        if said.number in self._deadly:
            self.died = True
            raise Killed
        self.parts.database.run("INSERT INTO heard (id, seq) VALUES (?, ?)", (envelope.id, envelope.sequence))

    async def is_offered(self, messages: list[Envelope]) -> None:
        if STREAM not in self.subscription._healing.waiting:
            await self.subscription._deliver(STREAM, [received(each) for each in messages])

    async def catches_up(self) -> None:
        """From the log of its source, until it dies of something or has everything."""
        self.subscription._healing.replay(STREAM)
        with contextlib.suppress(Unavailable):
            await self.subscription._healing.revisit([STREAM])

    async def finds_pending(self, messages: list[Envelope]) -> None:
        """What an earlier life had been given by Redis, and did not get over."""
        with contextlib.suppress(Unavailable):
            await self.subscription._recover_entries(STREAM, [received(each) for each in messages])

    async def looks(self) -> None:
        """As it does when nothing comes, and where it waits."""
        healing = self.subscription._healing
        if STREAM in healing.waiting:
            healing._stalled[STREAM].until = 0.0
            await healing.revisit([STREAM])
        else:
            await healing.verify(STREAM)

    async def is_settled(self) -> None:
        await self.looks()
        await self.subscription.go_on("source")
        await self.looks()

    async def heard(self) -> list[str]:
        return [id for (id,) in await self.parts.rows("SELECT id FROM heard ORDER BY position")]

    async def lost(self) -> set[str]:
        return {id for (id,) in await self.parts.rows("SELECT message_id FROM lost")}
