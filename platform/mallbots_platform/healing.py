"""What the streams of a group lack is applied from the logs of their sources: streams carry, outboxes are the truth.

A source whose database went back says numbers anew. Where a group has applied what its source does not know any more,
nothing more is applied until somebody has settled it (`settling.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.epochs import Epochs, Mark
from mallbots_platform.errors import InvalidInput, Unavailable
from mallbots_platform.handling import Received
from mallbots_platform.inbox import Applied, Inbox, claims_its_place
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.receiving import RawEntry
from mallbots_platform.source_log import SourceLog
from mallbots_platform.streams import RedisClient, sequence_of
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

PAUSE_SECONDS = 1.0
PARTED_PAUSE_SECONDS = 1.0
FOREIGN_PAUSE_SECONDS = 0.2
HEAL_LIMIT = 500
EVERYTHING = 1 << 62

Apply = Callable[[StreamName, list[Received]], Awaitable[Applied | None]]


@dataclass(slots=True)
class _Stall:
    """A stream that waits for its source to tell what is missing, or, where they are `parted`, for somebody to settle
    what the source has lost."""

    reason: str
    until: float
    parted: bool = False


class Healing:
    """`apply` is how the group applies messages; it comes to None where the stream is another owner's now."""

    def __init__(
        self,
        group: str,
        inbox: Inbox,
        apply: Apply,
        source_log: SourceLog,
        redis: RedisClient,
        writer: Writer,
        readers: Readers,
        telemetry: Telemetry,
    ) -> None:
        self._group = group
        self._inbox = inbox
        self._apply = apply
        self._source_log = source_log
        self._redis = redis
        self._writer = writer
        self._readers = readers
        self._log = telemetry.log
        self._meter = telemetry.meter
        self._stalled: dict[StreamName, _Stall] = {}
        self._holes: set[StreamName] = set()
        self._gaps = telemetry.meter.counter("mallbots_stream_gaps_detected_total", group=group)
        self._healed = telemetry.meter.counter("mallbots_stream_gaps_healed_total", group=group)

    @property
    def waiting(self) -> Collection[StreamName]:
        """Streams that are not to be read: what they lack comes first."""
        return self._stalled.keys()

    @property
    def parted(self) -> list[StreamName]:
        """Streams whose sources do not know any more what is applied here."""
        return [stream for stream, stall in self._stalled.items() if stall.parted]

    @property
    def troubles(self) -> list[str]:
        return [
            f"{self._group} waits at {self._redis.key_of(stream)}: {stall.reason}"
            for stream, stall in self._stalled.items()
        ]

    async def verify(self, stream: StreamName) -> bool:
        """Ask the source whether it still knows what is applied here, and in which epochs its numbers are. False: the
        stream has to wait."""
        try:
            mark = await self._mark(stream)
            page = await self._source_log.read(stream, mark.seq, 1)
        except Unavailable as error:
            self._stall(stream, f"its entries are of an epoch that only its source can tell of: {error}")
            return False
        return await self._trust(stream, mark, page.epochs)

    async def heal(self, stream: StreamName, mark: int, stopped: Received, reason: str) -> bool:
        """Apply what the stream lacks up to the entry that could not be applied. False: the stream has to wait."""
        self._found_hole(stream, mark, reason)
        try:
            caught_up = await self._catch_up(stream, stopped.seq)
        except Unavailable as error:
            self._stall(stream, f"{reason}; its source cannot be asked: {error}")
            return False
        if caught_up is None:
            return False
        if caught_up < stopped.seq:
            await self._redis.xgroup_setid(self._redis.key_of(stream), self._group, f"{caught_up}-0")
            reason = f"{reason}; its source has said nothing with the number {stopped.seq}"
            self._stall(stream, reason, FOREIGN_PAUSE_SECONDS)  # it is read again until its source has removed it
        beyond_the_log = caught_up < stopped.seq and not stopped.gone
        if stopped.unreadable or (beyond_the_log and not claims_its_place(stream, stopped)):
            await self._writer.run(lambda: self._inbox.set_aside(stream, stopped, reason))
        self._closed_hole(stream)
        return True

    async def look_at_ends(self, streams: list[StreamName]) -> None:
        """Nothing came, and yet a stream has numbered more than is applied: the rest was lost, or acknowledged and
        not applied. Or it ends with something else than what is applied. No next entry shows either."""
        inbox = self._inbox
        marks = await self._readers.run(lambda: {stream: inbox.marks.read(stream).mark for stream in streams})
        pipeline = self._redis.pipeline(transaction=False)
        for stream, mark in marks.items():
            key = self._redis.key_of(stream)
            pipeline.xinfo_stream(key)
            pipeline.xinfo_groups(key)
            pipeline.xrange(key, f"({mark.seq}-0", "+", count=1)
        answers = await pipeline.execute() if marks else []
        for number, (stream, mark) in enumerate(marks.items()):
            info, groups, unapplied = answers[3 * number : 3 * number + 3]
            if _has_lost_its_end(mark.seq, self._group, info, groups, unapplied):
                self._found_hole(stream, mark.seq, "end")
                self._stalled[stream] = _Stall("its end was lost", 0.0)
            elif _ends_otherwise(mark, info):
                await self.verify(stream)

    def replay(self, stream: StreamName) -> None:
        """All that its source has said since the mark is applied, as if the stream had lost it."""
        if stream in self._stalled:
            self._let_go(stream)
        self._stalled[stream] = _Stall("replaying", 0.0)

    async def revisit(self, owned: Collection[StreamName]) -> list[StreamName]:
        """Ask again where it is time to; the streams that lack nothing any more."""
        now, whole = asyncio.get_running_loop().time(), []
        for stream in [stream for stream, stall in self._stalled.items() if stall.until <= now]:
            if stream not in owned:
                self._let_go(stream)
                continue
            try:
                caught_up = await self._catch_up(stream, EVERYTHING)
            except Unavailable as error:
                self._stall(stream, f"its source cannot be asked: {error}")
                continue
            if caught_up is not None:
                self._let_go(stream)
                whole.append(stream)
        return whole

    async def _catch_up(self, stream: StreamName, until: int) -> int | None:
        """Apply from the source's log; the mark that was reached, None when it could not go on."""
        mark = await self._mark(stream)
        while mark.seq < until:
            page = await self._source_log.read(stream, mark.seq, min(HEAL_LIMIT, until - mark.seq))
            if not await self._trust(stream, mark, page.epochs):
                return None
            if not page.messages:
                break
            applied = await self._apply(stream, page.messages)
            if applied is None or applied.mark == mark:
                self._stall(stream, applied.reason if applied else "its lease was lost")
                return None
            reached("heal: applied")
            mark = applied.mark
        return mark.seq

    async def _mark(self, stream: StreamName) -> Mark:
        return (await self._writer.run(lambda: self._inbox.marks.read(stream))).mark

    async def _trust(self, stream: StreamName, mark: Mark, epochs: Epochs) -> bool:
        """Whether source and mark are of one past; if not, the stream waits until that is settled."""
        if epochs.contain(mark):
            if stream in self.parted:  # it was settled, by this process or another
                await self._writer.run(self._inbox.load_lost)
            self._inbox.trust(stream, epochs)
            return True
        if stream not in self.parted:
            self._log.error(
                "source went back",
                stream=self._redis.key_of(stream),
                group=self._group,
                mark=mark.seq,
                ends=epochs.head,
            )
        self._part(stream, mark)
        return False

    def _part(self, stream: StreamName, mark: Mark) -> None:
        reason = (
            f"{stream.source} does not know message {mark.seq}, which is applied here: its database went back;"
            f" see `mallbots lost list`"
        )
        self._stall(stream, reason, PARTED_PAUSE_SECONDS)
        self._stalled[stream].parted = True
        self.show_parted(stream.source)

    def show_parted(self, source: str) -> None:
        """How many streams of that source wait to be settled."""
        waiting = sum(stream.source == source for stream in self.parted)
        self._meter.gauge("mallbots_stream_parted", group=self._group, source=source).set(waiting)

    def _stall(self, stream: StreamName, reason: str, seconds: float = PAUSE_SECONDS) -> None:
        self._stalled[stream] = _Stall(reason, asyncio.get_running_loop().time() + seconds)

    def _let_go(self, stream: StreamName) -> None:
        if self._stalled.pop(stream).parted:
            self.show_parted(stream.source)
        self._closed_hole(stream)

    def _found_hole(self, stream: StreamName, after: int, reason: str) -> None:
        self._log.warning("gap found", stream=self._redis.key_of(stream), group=self._group, after=after, reason=reason)
        if stream not in self._holes:
            self._holes.add(stream)
            self._gaps.inc()

    def _closed_hole(self, stream: StreamName) -> None:
        """It is filled, or known to be none of the source's, or another owner's to find."""
        if stream in self._holes:
            self._holes.remove(stream)
            self._healed.inc()


def _has_lost_its_end(
    mark: int, group: str, stream: dict[str, Any], groups: list[dict[str, Any]], unapplied: list[RawEntry]
) -> bool:
    if not unapplied:
        return sequence_of(stream["last-generated-id"]) > mark
    [delivered] = [each["last-delivered-id"] for each in groups if each["name"] == group.encode()] or ["0-0"]
    return sequence_of(unapplied[0][0]) <= sequence_of(delivered)


def _ends_otherwise(mark: Mark, stream: dict[str, Any]) -> bool:
    """Where the stream has less than is applied, or under the same number something else, the source should know."""
    last = sequence_of(stream["last-generated-id"])
    top: RawEntry | None = stream.get("last-entry")
    if mark.seq == 0 or last > mark.seq or (last == mark.seq and not top):
        return False
    if top and sequence_of(top[0]) == mark.seq and mark.message_id:
        try:
            return decode_envelope(top[1].get(b"e", b"")).id != mark.message_id
        except InvalidInput:
            return True
    return last < mark.seq
