"""Copies the outbox to the streams, each message under its own number, so that Redis refuses a second copy.

What a stream already has is found out by the append itself: it takes place only where the stream ends as
believed. A stream that ends earlier has lost data and is filled again; one that ends later, within the log,
got the messages before their acknowledgement was lost. One that ends with what the log does not know is made
anew; what this context once said in it is set aside before.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from mallbots_platform.aside import Aside
from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.envelope import trace_of
from mallbots_platform.errors import Unavailable
from mallbots_platform.numbers import Place
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.redis_answers import told
from mallbots_platform.streams import APPEND, RedisClient
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind

LARGEST_BATCH = 500
POLL_SECONDS = 2.0
PAUSE_SECONDS = 0.5
NOTE_SECONDS = 0.5


@dataclass(slots=True)
class Progress:
    """How far one channel and partition is: committed, handed to Redis now, and handed to Redis ever."""

    committed: int
    published: int
    highest: int
    floor: int
    stream_ends: int
    noted: int
    republished: int = 0


class Relay:
    def __init__(
        self, context: str, redis: RedisClient, writer: Writer, readers: Readers, telemetry: Telemetry
    ) -> None:
        self.trouble = ""
        self.progress: dict[Place, Progress] = {}
        self._context = context
        self._redis = redis
        self._writer = writer
        self._database: Database = writer.database
        self._readers = readers
        self._telemetry = telemetry
        self._script = ""
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._noted_at = 0.0
        self._compared_at = 0.0
        self.aside = Aside(redis, writer, readers)
        meter = telemetry.meter
        self._published = meter.counter("mallbots_outbox_published_total")
        self._republished = meter.counter("mallbots_outbox_republished_total")
        self._refused = meter.counter("mallbots_outbox_duplicates_refused_total")

    def committed(self, heads: Mapping[Place, int]) -> None:
        """Called in the writer's thread after a commit that wrote messages."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._note_heads, heads)

    def went_back(self, place: Place, last: int) -> None:
        """Called in the writer's thread after a commit whose numbers had been given before, in another past."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._go_back, place, last)

    @property
    def behind(self) -> int:
        """Messages that are committed and not yet handed to Redis."""
        return sum(progress.committed - progress.published for progress in self.progress.values())

    async def entries(self) -> int:
        """What the streams of this context hold now. Raises Unavailable when Redis does not answer."""
        pipeline = self._redis.pipeline(transaction=False)
        for place in self.progress:
            pipeline.xlen(self._key(place))
        try:
            return sum(await pipeline.execute())
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer: {told(error)}") from error

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                await self._load()
                await self._compare()
                self.trouble = ""
                await self._follow()
            except NoScriptError:
                self._script = ""
            except (RedisError, OSError, Unavailable) as error:
                if not self.trouble:
                    self._telemetry.log.warning("publishing paused", reason=told(error), behind=self.behind)
                self.trouble = f"nothing can be published: {told(error)}"
                await asyncio.sleep(PAUSE_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Before leaving: give what is committed a chance to get out, and note how far it is."""
        deadline = self._loop.time() + seconds
        while self.behind and not self.trouble and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        with contextlib.suppress(Unavailable):
            await self._note_progress()

    async def _follow(self) -> None:
        while True:
            while waiting := [place for place, p in self.progress.items() if p.published < p.committed]:
                await self._publish(waiting)
            if self._loop.time() - self._noted_at > NOTE_SECONDS:
                await self._note_progress()
            await signalled(self._wake, NOTE_SECONDS if self._unnoted else POLL_SECONDS)
            if self._loop.time() - self._compared_at > POLL_SECONDS:
                await self._load()
                await self._compare()

    def _note_heads(self, heads: Mapping[Place, int]) -> None:
        for place, last in heads.items():
            progress = self.progress.get(place)
            if progress is None:
                self.progress[place] = Progress(last, 0, 0, 0, 0, 0)
            else:
                progress.committed = max(progress.committed, last)
        self._wake.set()

    def _go_back(self, place: Place, last: int) -> None:
        self.progress[place].committed = last
        self._compared_at = 0.0
        self._wake.set()

    async def _load(self) -> None:
        before = {place: progress.committed for place, progress in self.progress.items()}
        await self.aside.look()
        for channel, partition, last, published, floor in await self._readers.run(lambda: self._database.run(_HEADS)):
            if last < before.get((channel, partition), 0):
                self._go_back((channel, partition), last)
            progress = self.progress.get((channel, partition))
            if progress is None:
                start = max(published, floor)
                self.progress[channel, partition] = Progress(last, start, published, floor, start, published)
            else:
                progress.committed = max(progress.committed, last)
                progress.floor = max(progress.floor, floor)
                progress.published = max(progress.published, progress.floor)
                progress.highest = max(progress.highest, published)

    async def _compare(self) -> None:
        """Ask every stream where it ends."""
        self._compared_at = self._loop.time()
        await self._append([(place, []) for place in self.progress])

    async def _publish(self, places: list[Place]) -> None:
        batches = await self._readers.run(lambda: [(place, self._read(place)) for place in places])
        reached("relay: read")
        links = [trace_of(text) for _, texts in batches for text in texts]
        attributes: dict[str, Any] = {
            "messaging.system": "redis",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": f"{self._context}.events",
            "messaging.batch.message_count": len(links),
        }
        name = f"send {self._context}.events"
        tracer = self._telemetry.tracer
        with tracer.span(name, kind=Kind.CLIENT, new_trace=True, links=links, attributes=attributes) as span:
            if again := await self._append(batches):
                span.note({"mallbots.republished": again})

    def _read(self, place: Place) -> list[str]:
        after = self.progress[place].published
        return [text for (text,) in self._database.run(_READ, (*place, after, LARGEST_BATCH))]

    async def _append(self, batches: list[tuple[Place, list[str]]]) -> int:
        """How many of them had been published before."""
        if not batches:
            return 0
        if not self._script:
            self._script = await self._redis.script_load(APPEND)
        pipeline = self._redis.pipeline(transaction=False)
        for place, texts in batches:
            progress = self.progress[place]
            pipeline.evalsha(self._script, 1, self._key(place), progress.stream_ends, progress.published + 1, *texts)
        answers = await pipeline.execute(raise_on_error=False)
        republished = 0
        for (place, _), answer in zip(batches, answers, strict=True):
            if isinstance(answer, Exception):
                raise answer
            republished += await self._settle(place, *answer)
        return republished

    async def _settle(self, place: Place, appended: int, stream_ends: int) -> int:
        progress, again = self.progress[place], 0
        if appended:
            reached("relay: appended")
            again = max(0, min(stream_ends, progress.highest) - progress.published)
            self._published.inc(appended)
            self._republished.inc(again)
            progress.republished += again
            progress.published = progress.stream_ends = stream_ends
        elif stream_ends > progress.committed or (
            stream_ends != progress.stream_ends and await self.aside.differs(StreamName(self._context, *place))
        ):
            await self._begin_anew(place, progress, stream_ends)
        elif stream_ends > progress.stream_ends:
            self._refused.inc(stream_ends - progress.stream_ends)
            progress.published = progress.stream_ends = stream_ends
        elif stream_ends < progress.stream_ends:
            self._telemetry.log.warning(
                "stream data lost",
                stream=self._key(place),
                ends=stream_ends,
                published=progress.published,
            )
            await self._load()
            progress.stream_ends = stream_ends
            progress.published = max(stream_ends, progress.floor)
        progress.highest = max(progress.highest, progress.published)
        return again

    async def _begin_anew(self, place: Place, progress: Progress, stream_ends: int) -> None:
        """Its numbers cannot be taken back, so the stream is made anew. The log is asked once more before: another
        process of this context may have committed and published meanwhile."""
        await self._load()
        stream = StreamName(self._context, *place)
        if stream_ends <= progress.committed and not await self.aside.differs(stream):
            return
        key = self._key(place)
        beyond = len(await self._redis.xrange(key, f"({progress.committed}-0", "+"))
        kept = await self.aside.keep(stream)
        await self._redis.delete(key)
        progress.published, progress.stream_ends = progress.floor, 0
        if kept:
            self._telemetry.log.error("lost messages set aside", stream=key, count=kept)
        if beyond > kept:
            self._telemetry.log.warning("foreign entries removed", stream=key, count=beyond - kept)

    def _key(self, place: Place) -> str:
        return str(self._redis.key_of(StreamName(self._context, *place)))

    @property
    def _unnoted(self) -> list[Place]:
        return [place for place, progress in self.progress.items() if progress.published != progress.noted]

    async def _note_progress(self) -> None:
        moved = [(place, self.progress[place]) for place in self._unnoted]
        self._noted_at = self._loop.time()
        if not moved:
            return
        at = now_us()
        rows = [(max(p.published, p.highest), at, p.republished, *place) for place, p in moved]
        noted = [(p, p.published, p.republished) for _, p in moved]
        await self._writer.run(lambda: self._database.run_many(_NOTE, rows))
        for progress, published, again in noted:
            progress.noted = published
            progress.republished -= again


_HEADS = """
    SELECT channel, partition, last_seq, published_seq, CASE WHEN trimmed_seq > pruned_seq THEN trimmed_seq
    ELSE pruned_seq END FROM outbox_heads
"""
_READ = """
    SELECT envelope FROM outbox WHERE channel = ? AND partition = ? AND seq > ? ORDER BY seq LIMIT ?
"""
_NOTE = """
    UPDATE outbox_heads SET published_seq = ?, published_at = ?, republished = republished + ?
    WHERE channel = ? AND partition = ?
"""
