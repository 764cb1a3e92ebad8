"""What a consumer group is given by its streams, and what it gives back. Its consumer's name never changes, so a new
owner finds what the old one left."""

import asyncio
from collections.abc import Iterable
from typing import Any

from redis.exceptions import ResponseError

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.handling import Received
from mallbots_platform.partitions import StreamName
from mallbots_platform.receiving import Batch, RawEntry, entries_of, trace_reading
from mallbots_platform.streams import BLOCK_SECONDS, RedisClient
from telemetry.bundle import Telemetry

SHORT_SECONDS = 0.2


class GroupReader:
    """Methods raise what Redis' client raises."""

    def __init__(self, group: str, redis: RedisClient, batch: int, telemetry: Telemetry) -> None:
        self._group = group
        self._redis = redis
        self._batch = batch
        self._telemetry = telemetry
        self._reading: asyncio.Future[Any] | None = None

    async def create_group(self, stream: StreamName, mark: int) -> None:
        """At that number, where there is none."""
        try:
            await self._redis.xgroup_create(self._redis.key_of(stream), self._group, f"{mark}-0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def new(self, streams: list[StreamName], *, short: bool) -> list[Batch] | None:
        """What nobody of the group has been given; waits for it, a `short` time or a longer one. Nothing when it was
        stopped: what it had been given then is found on the own pending list. None: a group is not there."""
        self._reading = reading = asyncio.ensure_future(self._read(streams, SHORT_SECONDS if short else BLOCK_SECONDS))
        try:
            await asyncio.wait([reading])
        finally:
            self._reading = None
            reading.cancel()
        if reading.cancelled():
            return []
        return self._as_batches(streams, reading.result())

    def stop(self) -> None:
        """Waiting for what is new."""
        if self._reading is not None:
            self._reading.cancel()

    async def pending(self, stream: StreamName, behind: bytes | str) -> list[Received]:
        """The next ones of the own pending list."""
        wanted = {self._redis.key_of(stream): behind}
        answer = await self._redis.xreadgroup(self._group, self._group, wanted, count=self._batch)
        return entries_of(answer[0][1], received_at=now_us()) if answer else []

    async def acknowledge(self, batches: Iterable[Batch]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for stream, entries in batches:
            if entries:
                pipeline.xack(self._redis.key_of(stream), self._group, *[entry.entry_id for entry in entries])
        if len(pipeline):
            await pipeline.execute()
            reached("acknowledge: after")

    async def _read(self, streams: list[StreamName], seconds: float) -> list[tuple[bytes, list[RawEntry]]] | None:
        wanted = {self._redis.key_of(stream): ">" for stream in streams}
        block = round(seconds * 1000)
        try:
            return await self._redis.xreadgroup(self._group, self._group, wanted, count=self._batch, block=block) or []
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "UNBLOCKED" not in str(error):
                raise
            self._telemetry.log.warning("group recreated", group=self._group, reason=str(error))
            return None

    def _as_batches(
        self, streams: list[StreamName], answer: list[tuple[bytes, list[RawEntry]]] | None
    ) -> list[Batch] | None:
        if not answer:
            return None if answer is None else []
        by_key = {self._redis.key_of(stream).encode(): stream for stream in streams}
        batches = [(by_key[key], entries_of(raw, received_at=now_us())) for key, raw in answer]
        reached("read")
        trace_reading(self._telemetry.tracer, self._group, batches)
        return batches
