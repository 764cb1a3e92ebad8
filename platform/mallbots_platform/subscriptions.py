"""The loop of one consumer group: read what was left pending, then what is new; apply, commit, acknowledge."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from redis.exceptions import RedisError, ResponseError

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import trace_of
from mallbots_platform.errors import Unavailable
from mallbots_platform.handling import Received, Route
from mallbots_platform.inbox import Applied, Inbox
from mallbots_platform.leases import Fence, LeaseLost, Leases
from mallbots_platform.parking import ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.streams import BLOCK_SECONDS, RedisClient, sequence_of
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, TraceContext

PAUSE_SECONDS = 0.5
HEAL_PAUSE_SECONDS = 1.0
FOREIGN_PAUSE_SECONDS = 0.2
HEAL_LIMIT = 500
IDLE_SECONDS = 5.0
EVERYTHING = 1 << 62
RawEntry = tuple[bytes, dict[bytes, bytes]]


class SourceLog(Protocol):
    """The outbox of the context that publishes, asked over its operator service."""

    async def read(self, stream: StreamName, after: int, limit: int) -> tuple[list[Received], int]:
        """Messages above `after`, and the number of the last one that was ever committed. Raises Unavailable."""


@dataclass(slots=True)
class _Stall:
    """A partition that waits for its source to tell what is missing."""

    reason: str
    until: float


class Subscription:
    """Everything one group consumes. Its consumer's name never changes, so a new owner finds what the old one left."""

    def __init__(
        self,
        group: str,
        routes: Iterable[tuple[Route, int]],
        redis: RedisClient,
        writer: Writer,
        readers: Readers,
        inbox: Inbox,
        leases: Leases,
        source_log: SourceLog,
        telemetry: Telemetry,
        *,
        batch: int = 200,
        crash_limit: int = 10,
    ) -> None:
        self.group = group
        self.trouble = ""
        self.inbox = inbox
        self.routes: dict[StreamName, Route] = {}
        for route, partitions in routes:
            for partition in range(partitions):
                self.routes[StreamName(route.source, route.channel, partition)] = route
        self._redis = redis
        self._writer = writer
        self._readers = readers
        self._leases = leases
        self._source_log = source_log
        self._telemetry = telemetry
        self._batch = batch
        self._crash_limit = crash_limit
        self._stalled: dict[StreamName, _Stall] = {}
        self._holes: set[StreamName] = set()
        self._risked: set[tuple[StreamName, int]] = set()
        self._retry_now = asyncio.Event()
        self._by_key = {stream.key.encode(): stream for stream in self.routes}
        self._gaps = telemetry.meter.counter("mallbots_stream_gaps_detected_total", group=group)
        self._healed = telemetry.meter.counter("mallbots_stream_gaps_healed_total", group=group)
        self._fenced = telemetry.meter.counter("mallbots_fenced_commits_total", group=group)
        leases.changed = self._owners_changed
        self._ready = False
        self.running = False
        self._stopping = False
        self._reading: asyncio.Future[Any] | None = None

    @property
    def troubles(self) -> list[str]:
        stalls = [f"{self.group} waits at {stream.key}: {stall.reason}" for stream, stall in self._stalled.items()]
        return ([self.trouble] if self.trouble else []) + stalls

    async def run(self) -> None:
        """Consume until stopped. What is away is waited for; no message pays for it."""
        self.running = True
        try:
            await self._consume()
        finally:
            self.running = False

    async def _consume(self) -> None:
        while not self._stopping:
            try:
                await self._start()
                self.trouble = ""
                while not self._stopping:
                    await self._step()
                return
            except (RedisError, OSError, Unavailable) as error:
                if not self.trouble:
                    self._telemetry.log.warning("consuming paused", group=self.group, reason=str(error))
                self.trouble = f"{self.group} cannot consume: {error}"
                await asyncio.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Finish and acknowledge what is in hand, read nothing new."""
        self._stopping = True
        self._stop_reading()

    async def run_retries(self) -> None:
        """Give parked messages their next attempts, until cancelled."""
        while True:
            try:
                pause = await self._retry_due()
            except LeaseLost as lost:
                self._lose(lost.partition)
                continue
            except Unavailable:
                pause = PAUSE_SECONDS
            if pause > 0:
                await signalled(self._retry_now, pause)

    def retry_soon(self) -> None:
        """Something was parked, or released by an operator."""
        self._retry_now.set()

    @property
    def lot(self) -> ParkingLot:
        return self.inbox.lot

    def discard(self, id: int) -> None:
        self.lot.discard(id)

    async def rewind(self, source: str, from_seq: int) -> int:
        """Apply everything of a source (all of them, when empty) again from a number on; how many messages."""
        streams = [stream for stream in self.routes if source in ("", stream.source)]
        rewound = 0
        for stream in streams:
            rewound += await self._writer.run(partial(self.inbox.rewind, stream, from_seq))
            self._stalled[stream] = _Stall("replaying", 0.0)
        self._stop_reading()
        return rewound

    # Starting: groups exist, and what an earlier life left pending is dealt with.

    async def _start(self) -> None:
        if not self._leases.owned:
            await self._leases.refresh()
        await self._create_groups(self._owned())
        for stream in self._owned():
            await self._recover(stream)
        await self._find_lost_ends(self._owned())

    async def _owners_changed(self) -> None:
        self._ready = False
        self._stop_reading()

    def _owned(self) -> list[StreamName]:
        return [stream for stream in self.routes if stream.partition in self._leases.owned]

    async def _create_groups(self, streams: Iterable[StreamName]) -> None:
        """At the durable mark: 0 at first, and where it was when Redis has lost the group."""
        for stream in streams:
            mark = await self._writer.run(partial(self.inbox.mark, stream))
            try:
                await self._redis.xgroup_create(stream.key, self.group, f"{mark}-0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        self._ready = True

    async def _recover(self, stream: StreamName) -> None:
        """Read the own pending list to its end. Each entry is tried alone, and noted before, once in the life of
        this process, for it may be the one that kills it."""
        cursor: bytes | str = "0"
        while True:
            answer = await self._redis.xreadgroup(self.group, self.group, {stream.key: cursor}, count=self._batch)
            entries = _entries(answer[0][1], received_at=now_us()) if answer else []
            if not entries:
                break
            cursor = entries[-1].entry_id
            await self._recover_entries(stream, entries)
        mark = await self._writer.run(lambda: self.inbox.forget_crash_risks(stream))
        self._risked = {(of, seq) for of, seq in self._risked if of != stream or seq > mark}

    async def _recover_entries(self, stream: StreamName, entries: list[Received]) -> None:
        mark = await self._writer.run(lambda: self.inbox.mark(stream))
        for entry in entries:
            if entry.seq > mark and not await self._risk(stream, entry):
                return
        await self._acknowledge([(stream, entries)])

    async def _risk(self, stream: StreamName, entry: Received) -> bool:
        """Whether the entry is dealt with."""
        if (stream, entry.seq) not in self._risked:
            crashes = await self._writer.run(lambda: self.inbox.note_crash_risk(stream, entry.seq)) - 1
            reached("recover: noted")
            self._risked.add((stream, entry.seq))
            if crashes >= self._crash_limit and await self._bury(stream, entry, crashes):
                return True
        return await self._deliver(stream, [entry])

    async def _bury(self, stream: StreamName, entry: Received, crashes: int) -> bool:
        fence = self._leases.owned.get(stream.partition)
        if fence is None:
            return False
        route = self.routes[stream]
        return await self._writer.run(lambda: self.inbox.bury_after_crashes(route, stream, entry, crashes, fence))

    # Running

    async def _step(self) -> None:
        if not self._ready:
            await self._start()
        await self._revisit_stalled()
        readable = [stream for stream in self._owned() if stream not in self._stalled]
        if not readable:
            await asyncio.sleep(0.1)
            return
        answer = await self._read_unless_stopped(readable)
        batches = [(self._by_key[key], _entries(raw, received_at=now_us())) for key, raw in answer]
        if not batches:
            await self._find_lost_ends(readable)
            return
        reached("read")
        receives = self._receive_spans(batches)
        delivered = await asyncio.gather(
            *[self._deliver(stream, entries, receives[stream.source, stream.channel]) for stream, entries in batches]
        )
        await self._acknowledge([batch for batch, done in zip(batches, delivered, strict=True) if done])

    async def _read_unless_stopped(self, streams: list[StreamName]) -> list[tuple[bytes, list[RawEntry]]]:
        """Nothing when the read was stopped; what it had been given then is found in the own pending list."""
        self._reading = reading = asyncio.ensure_future(self._read(streams))
        try:
            await asyncio.wait([reading])
        finally:
            self._reading = None
            reading.cancel()
        return [] if reading.cancelled() else reading.result()

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, streams: list[StreamName]) -> list[tuple[bytes, list[RawEntry]]]:
        block = 200 if self._stalled else round(BLOCK_SECONDS * 1000)
        wanted = {stream.key: ">" for stream in streams}
        try:
            answer = await self._redis.xreadgroup(self.group, self.group, wanted, count=self._batch, block=block)
            return list(answer or [])
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "UNBLOCKED" not in str(error):
                raise
            self._telemetry.log.warning("group recreated", group=self.group, reason=str(error))
            await self._create_groups(streams)
            return []

    async def _deliver(self, stream: StreamName, entries: list[Received], receive: TraceContext | None = None) -> bool:
        """Apply entries; where one is not the next, the source is asked. False: the partition has to wait."""
        for entry in entries:
            entry.receive = receive
        while entries:
            applied = await self._apply(stream, entries)
            if applied is None:
                return False
            stopped = applied.stopped_at
            if stopped is None:
                return True
            if not await self._heal(stream, applied.mark, stopped, applied.reason):
                return False
            entries = [entry for entry in entries if entry.seq > stopped.seq]
        return True

    async def _apply(self, stream: StreamName, entries: list[Received]) -> Applied | None:
        """None: the partition is another's now."""
        fence = self._leases.owned.get(stream.partition)
        if fence is None:
            return None
        route = self.routes[stream]
        try:
            applied = await self._writer.run(lambda: self.inbox.apply(route, stream, entries, fence))
        except LeaseLost as lost:
            self._lose(lost.partition)
            return None
        if applied.parked:
            self.retry_soon()
        return applied

    def _lose(self, partition: int) -> None:
        self._fenced.inc()
        self._leases.lose(partition)

    async def _acknowledge(self, batches: Iterable[tuple[StreamName, list[Received]]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for stream, entries in batches:
            if entries:
                pipeline.xack(stream.key, self.group, *[entry.entry_id for entry in entries])
        if len(pipeline):
            await pipeline.execute()
            reached("acknowledge: after")

    # Healing: the stream is transport, the source's outbox is the truth.

    async def _heal(self, stream: StreamName, mark: int, stopped: Received, reason: str) -> bool:
        """Apply from the source's log what the stream lacks, up to the entry that could not be applied."""
        self._found_hole(stream, mark, reason)
        try:
            reached, _ = await self._catch_up(stream, stopped.seq)
        except Unavailable as error:
            self._stall(stream, f"{reason}; its source cannot be asked: {error}")
            return False
        if reached is None:
            return False
        if reached < stopped.seq:
            await self._redis.xgroup_setid(stream.key, self.group, f"{reached}-0")
            reason = f"{reason}; its source has said nothing with the number {stopped.seq}"
            self._stall(stream, reason, FOREIGN_PAUSE_SECONDS)  # it is read again until its source has removed it
        if reached < stopped.seq or stopped.unreadable:
            await self._writer.run(lambda: self.inbox.set_aside(stream, stopped, reason))
        self._closed_hole(stream)
        return True

    async def _find_lost_ends(self, streams: list[StreamName]) -> None:
        """Nothing came, and yet a stream has numbered more than is applied: the rest was lost, or acknowledged and
        not applied. No next entry shows such a hole."""
        inbox = self.inbox
        marks = await self._readers.run(lambda: {stream: inbox.mark(stream) for stream in streams})
        pipeline = self._redis.pipeline(transaction=False)
        for stream, mark in marks.items():
            pipeline.xinfo_stream(stream.key)
            pipeline.xinfo_groups(stream.key)
            pipeline.xrange(stream.key, f"({mark}-0", "+", count=1)
        answers = await pipeline.execute() if marks else []
        for number, (stream, mark) in enumerate(marks.items()):
            if _has_lost_its_end(mark, self.group, *answers[3 * number : 3 * number + 3]):
                self._found_hole(stream, mark, "end")
                self._stalled[stream] = _Stall("its end was lost", 0.0)

    async def _catch_up(self, stream: StreamName, until: int) -> tuple[int | None, int]:
        """Apply from the source's log; the mark it reached, None when it could not go on, and how many it took."""
        mark, taken = await self._writer.run(lambda: self.inbox.mark(stream)), 0
        while mark < until:
            messages, _ = await self._source_log.read(stream, mark, min(HEAL_LIMIT, until - mark))
            if not messages:
                break
            applied = await self._apply(stream, messages)
            if applied is None or applied.mark == mark:
                self._stall(stream, applied.reason if applied else "its lease was lost")
                return None, taken
            reached("heal: applied")
            taken += applied.mark - mark
            mark = applied.mark
        return mark, taken

    def _found_hole(self, stream: StreamName, after: int, reason: str) -> None:
        self._telemetry.log.warning("gap found", stream=stream.key, group=self.group, after=after, reason=reason)
        if stream not in self._holes:
            self._holes.add(stream)
            self._gaps.inc()

    def _closed_hole(self, stream: StreamName) -> None:
        """It is filled, or known to be none of the source's, or another owner's to find."""
        if stream in self._holes:
            self._holes.remove(stream)
            self._healed.inc()

    def _stall(self, stream: StreamName, reason: str, seconds: float = 0.0) -> None:
        until = asyncio.get_running_loop().time() + (seconds or HEAL_PAUSE_SECONDS)
        self._stalled[stream] = _Stall(reason, until)

    async def _revisit_stalled(self) -> None:
        now = asyncio.get_running_loop().time()
        for stream in [stream for stream, stall in self._stalled.items() if stall.until <= now]:
            if stream.partition not in self._leases.owned:
                del self._stalled[stream]
                self._closed_hole(stream)
                continue
            try:
                reached, _ = await self._catch_up(stream, EVERYTHING)
            except Unavailable as error:
                self._stall(stream, f"its source cannot be asked: {error}")
                continue
            if reached is not None:
                del self._stalled[stream]
                self._closed_hole(stream)
                await self._recover(stream)

    # Parked messages

    async def _retry_due(self) -> float:
        """Seconds until it is worth looking again."""
        owned = self._owned()
        for message in await self._readers.run(partial(self.inbox.lot.due, owned)):
            if fence := self._leases.owned.get(message.partition):
                await self._writer.run(partial(self._retry, message, fence))
        next_due_at = await self._readers.run(partial(self.inbox.lot.next_due_at, owned))
        if next_due_at is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.005, (next_due_at - now_us()) / 1e6))

    def _retry(self, message: ParkedMessage, fence: Fence) -> None:
        self.inbox.retry(self.routes[message.stream], message, fence)

    def _receive_spans(self, batches: list[tuple[StreamName, list[Received]]]) -> dict[tuple[str, str], TraceContext]:
        """One span per source and channel that had something, with a link to each message."""
        links: dict[tuple[str, str], list[TraceContext]] = {}
        for stream, entries in batches:
            links.setdefault((stream.source, stream.channel), []).extend(trace_of(entry.raw) for entry in entries)
        contexts = {}
        for (source, channel), found in links.items():
            attributes = {
                "messaging.system": "redis",
                "messaging.operation.name": "receive",
                "messaging.operation.type": "receive",
                "messaging.destination.name": f"{source}.{channel}",
                "messaging.consumer.group.name": self.group,
                "messaging.batch.message_count": len(found),
            }
            name = f"receive {source}.{channel}"
            tracer = self._telemetry.tracer
            span = tracer.span(name, kind=Kind.CLIENT, new_trace=True, links=found, attributes=attributes)
            contexts[source, channel] = span.context
            span.end()
        return contexts


def _entries(raw: list[RawEntry], received_at: int) -> list[Received]:
    return [
        Received(
            sequence_of(entry_id),
            (fields or {}).get(b"e", b""),
            _time((fields or {}).get(b"t", b"0")),
            received_at,
            entry_id=entry_id,
        )
        for entry_id, fields in raw
    ]


def _has_lost_its_end(
    mark: int, group: str, stream: dict[str, Any], groups: list[dict[str, Any]], unapplied: list[RawEntry]
) -> bool:
    if not unapplied:
        return sequence_of(stream["last-generated-id"]) > mark
    [delivered] = [each["last-delivered-id"] for each in groups if each["name"] == group.encode()] or ["0-0"]
    return sequence_of(unapplied[0][0]) <= sequence_of(delivered)


def _time(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
