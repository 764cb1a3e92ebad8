"""Trims streams: only what is old, and acknowledged by every group; the outbox still has it."""

import asyncio
import contextlib
from bisect import bisect_left
from functools import partial
from typing import Any

from redis.exceptions import RedisError, ResponseError

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import Unavailable
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.streams import RedisClient, sequence_of
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

EVERY_SECONDS = 60.0


class Retention:
    def __init__(
        self,
        context: str,
        redis: RedisClient,
        writer: Writer,
        readers: Readers,
        seconds: float,
        telemetry: Telemetry,
    ) -> None:
        self._context = context
        self._redis = redis
        self._writer = writer
        self._readers = readers
        self._seconds = seconds
        self._log = telemetry.log
        self._trimmed = telemetry.meter.counter("mallbots_stream_trimmed_total")

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            with contextlib.suppress(RedisError, OSError, Unavailable):
                await self.trim()

    async def trim(self) -> int:
        """Trim every stream of this context; how many entries went."""
        before = now_us() - round(self._seconds * 1_000_000)
        trimmed = 0
        for channel, partition, old in await self._readers.run(partial(old_ones, self._writer.database, before)):
            stream = StreamName(self._context, channel, partition)
            last = min(old, await self._acknowledged(stream, old))
            if last > 0:
                trimmed += await self._trim(stream, last)
        return trimmed

    async def _trim(self, stream: StreamName, last: int) -> int:
        """Drop everything up to `last`. Noted first, so that the relay never publishes it again."""
        place = (stream.channel, stream.partition)
        key = self._redis.key_of(stream)
        await self._writer.run(partial(self._writer.database.run, _NOTE, (last, *place, last)))
        reached("trim: noted")
        trimmed = int(await self._redis.xtrim(key, minid=f"{last + 1}-0", approximate=False))
        reached("trim: done")
        self._trimmed.inc(trimmed)
        if trimmed:
            self._log.info("stream trimmed", stream=key, entries=trimmed, up_to=last)
        return trimmed

    async def _acknowledged(self, stream: StreamName, at_most: int) -> int:
        """The last number that every group has acknowledged; `at_most` where there is no group."""
        key = self._redis.key_of(stream)
        try:
            groups: list[dict[str, Any]] = await self._redis.xinfo_groups(key)
        except ResponseError:
            return 0
        marks = [at_most]
        for group in groups:
            name = group["name"]
            pending = await self._redis.xpending(key, name)
            oldest = pending["min"] if pending["pending"] else None
            marks.append(sequence_of(oldest) - 1 if oldest else sequence_of(group["last-delivered-id"]))
        return min(marks)


def old_ones(database: Database, before: int) -> list[tuple[str, int, int]]:
    """Of each channel and partition the last number that was committed before, where it may still be in its stream.
    The log is asked for some twenty rows, however long it is: its times rise with its numbers."""
    found = []
    for channel, partition, trimmed, last in database.run(_HEADS):
        at = partial(_committed_at, database, channel, partition)
        old = bisect_left(range(1, last + 1), before, lo=trimmed, key=at)
        if old > trimmed:
            found.append((channel, partition, old))
    return found


def _committed_at(database: Database, channel: str, partition: int, seq: int) -> int:
    rows = database.run(_AT, (channel, partition, seq))
    return int(rows[0][0]) if rows else 0


_HEADS = "SELECT channel, partition, trimmed_seq, last_seq FROM outbox_heads WHERE trimmed_seq < last_seq"
_AT = "SELECT committed_at FROM outbox WHERE channel = ? AND partition = ? AND seq = ?"
_NOTE = "UPDATE outbox_heads SET trimmed_seq = ? WHERE channel = ? AND partition = ? AND trimmed_seq < ?"
