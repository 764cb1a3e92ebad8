"""The Redis half of a work queue: entries taken by competing consumers, kept while in hand, deleted when dealt with."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from mallbots_platform.clock import now_us
from mallbots_platform.ids import new_id
from mallbots_platform.partitions import StreamName
from mallbots_platform.streams import RedisClient, sequence_of

BLOCK_SECONDS = 2.0
FORGET_AFTER_MILLISECONDS = 3_600_000
Fields = dict[bytes, bytes]

KEEP = """
-- KEYS[1] a stream; ARGV: group, consumer, id. Nobody takes the consumer for dead, unless somebody did already.
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
return 1
"""
FORGET = """
-- KEYS[1] a stream; ARGV: group, consumer. What a consumer still holds would be lost with it.
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """`deliveries` counts how often it was handed out, this time included. Times: microseconds since the epoch."""

    stream: StreamName
    entry_id: bytes
    raw: bytes
    published_at: int
    received_at: int
    deliveries: int = 1

    @property
    def seq(self) -> int:
        return sequence_of(self.entry_id)

    @property
    def place(self) -> tuple[StreamName, bytes]:
        return self.stream, self.entry_id


class JobStreams:
    """What this process takes is held under a name of its own; once silent for `claim_seconds`, it loses it."""

    def __init__(self, group: str, streams: Iterable[StreamName], redis: RedisClient, claim_seconds: float) -> None:
        self.streams = tuple(streams)
        self._group = group
        self._redis = redis
        self._consumer = new_id()
        self._claim_seconds = claim_seconds
        self._claim_at = 0.0
        self._by_key = {redis.key_of(stream).encode(): stream for stream in self.streams}

    def key_of(self, stream: StreamName) -> str:
        return str(self._redis.key_of(stream))

    async def prepare(self) -> None:
        """The groups exist, from the start of their streams; the names of those long gone are forgotten."""
        for stream in self.streams:
            try:
                await self._redis.xgroup_create(self.key_of(stream), self._group, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            for consumer in await self._redis.xinfo_consumers(self.key_of(stream), self._group):
                if consumer["idle"] > FORGET_AFTER_MILLISECONDS:
                    await self._forget(stream, consumer["name"])

    async def take(self) -> list[Entry]:
        """What somebody held and did not come back for, else what is new, at most one of each stream; empty when
        nothing came for a while."""
        if time.monotonic() >= self._claim_at:
            if found := await self._claim():
                return found
            self._claim_at = time.monotonic() + self._claim_seconds / 4
        wanted = {self.key_of(stream): ">" for stream in self.streams}
        block = round(min(BLOCK_SECONDS, self._claim_seconds / 4) * 1000)
        answer = await self._redis.xreadgroup(self._group, self._consumer, wanted, count=1, block=block)
        return [_entry(self._by_key[key], *entry) for key, entries in answer or [] for entry in entries]

    async def keep(self, entries: Iterable[Entry]) -> None:
        """They are still being worked on."""
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            pipeline.eval(KEEP, 1, self.key_of(entry.stream), self._group, self._consumer, entry.entry_id)
        if len(pipeline):
            await pipeline.execute()

    async def finish(self, entry: Entry) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.xack(self.key_of(entry.stream), self._group, entry.entry_id)
        pipeline.xdel(self.key_of(entry.stream), entry.entry_id)
        await pipeline.execute()

    async def missing(self, stream: StreamName, numbers: Iterable[int]) -> list[int]:
        """Those of which the stream has no entry."""
        wanted = list(numbers)
        pipeline = self._redis.pipeline(transaction=False)
        for seq in wanted:
            pipeline.xrange(self.key_of(stream), f"{seq}-0", f"{seq}-0")
        found = await pipeline.execute() if wanted else []
        return [seq for seq, entries in zip(wanted, found, strict=True) if not entries]

    async def leave(self) -> None:
        """Forget this process' own name, where it holds nothing any more."""
        for stream in self.streams:
            await self._forget(stream, self._consumer)

    async def _claim(self) -> list[Entry]:
        pipeline, milliseconds = self._redis.pipeline(transaction=False), round(self._claim_seconds * 1000)
        for stream in self.streams:
            pipeline.xautoclaim(self.key_of(stream), self._group, self._consumer, min_idle_time=milliseconds, count=1)
        found = []
        for stream, answer in zip(self.streams, await pipeline.execute(), strict=True):
            for entry_id, fields in answer[1]:
                if entry_id is not None:  # Redis 6.2 tells of deleted ones too
                    found.append(_entry(stream, entry_id, fields, await self._deliveries(stream, entry_id)))
        return found

    async def _deliveries(self, stream: StreamName, entry_id: bytes) -> int:
        answer: list[dict[str, Any]] = await self._redis.xpending_range(
            self.key_of(stream), self._group, min=entry_id, max=entry_id, count=1
        )
        return int(answer[0]["times_delivered"]) if answer else 1

    async def _forget(self, stream: StreamName, consumer: str | bytes) -> None:
        await self._redis.eval(FORGET, 1, self.key_of(stream), self._group, consumer)


def _entry(stream: StreamName, entry_id: bytes, fields: Fields | None, deliveries: int = 1) -> Entry:
    told = fields or {}
    published_at = told.get(b"t", b"")
    return Entry(
        stream,
        entry_id,
        told.get(b"e", b""),
        int(published_at) if published_at.isdigit() else 0,
        now_us(),
        deliveries,
    )
