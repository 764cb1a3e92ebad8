"""The loop of one consumer group: read what was left pending, then what is new; apply, commit, acknowledge."""

import asyncio
from collections.abc import Iterable
from functools import partial

from redis.exceptions import RedisError

from mallbots_platform.applying import Applying
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.errors import CannotStart, Unavailable
from mallbots_platform.group_reader import GroupReader
from mallbots_platform.handling import Received, Route
from mallbots_platform.healing import Apply, Healing
from mallbots_platform.inbox import Inbox
from mallbots_platform.leases import Leases
from mallbots_platform.parking import ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.redis_answers import told
from mallbots_platform.replays import Replayed, Replays
from mallbots_platform.retrying import Retrying
from mallbots_platform.settling import Parting, Settling
from mallbots_platform.source_log import SourceLog
from mallbots_platform.streams import RedisClient
from mallbots_platform.trying_again import TryingAgain
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

PAUSE_SECONDS = 0.5
LOOK_SECONDS = 5.0


class Subscription:
    """Everything one group consumes."""

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
        notes: CrashNotes,
        batch: int = 200,
    ) -> None:
        self.group = group
        self.trouble = ""
        self.inbox = inbox
        self.routes: dict[StreamName, Route] = {}
        for route, partitions in routes:
            if StreamName(route.source, route.channel, 0) in self.routes:
                raise CannotStart(f"{group} listens to {route.source} twice: give one of them a purpose, or join them")
            self._add(route, partitions)
        self._writer = writer
        self._leases = leases
        self._telemetry = telemetry
        self._batch = batch
        self._reader = GroupReader(group, redis, batch, telemetry)
        self._applying = Applying(group, self.routes, inbox, leases, writer, telemetry.meter, self.retry_soon)
        catch_up = partial(self._applying.apply, catches_up=True)
        self._again = TryingAgain(group, self.routes, inbox, writer, catch_up, leases.owned.get, notes)
        self._healing = Healing(group, inbox, self._again.apply, source_log, redis, writer, readers, telemetry)
        for source in {stream.source for stream in self.routes}:
            self._healing.show_parted(source)
        self._settling = Settling(group, inbox, source_log, writer, readers)
        self._replays = Replays(group, self.routes, inbox.marks, writer.database)
        attempts = inbox.attempts(self.routes, leases.owned.get)
        self.retrying = Retrying(
            *(group, inbox.lot, attempts, notes, writer, readers),
            owned=self._owned,
            lose=self._applying.lose,
        )
        leases.changed = self._owners_changed
        self._loop = asyncio.get_running_loop()
        self._looked_at = 0.0
        self._behind: set[StreamName] = set()
        self._ready = False
        self.running = False
        self._stopping = False

    @property
    def troubles(self) -> list[str]:
        return ([self.trouble] if self.trouble else []) + self._healing.troubles

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
                    self._telemetry.log.warning("consuming paused", group=self.group, reason=told(error))
                self.trouble = f"{self.group} cannot consume: {told(error)}"
                await asyncio.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Finish and acknowledge what is in hand, read nothing new."""
        self._stopping = True
        self._reader.stop()

    def retry_soon(self) -> None:
        """Something was parked, or released by an operator."""
        self.retrying.soon()

    @property
    def lot(self) -> ParkingLot:
        return self.inbox.lot

    def discard(self, id: int) -> None:
        self.lot.discard(id)

    async def follow(self, source: str, partitions: int) -> None:
        """That source has so many partitions. None is given up, for what is applied of it stays applied."""
        for route in [self.routes[each] for each in self.routes if each[::2] == (source, 0)]:
            self._add(route, partitions)
        await self._leases.cover(partitions)
        await self._owners_changed()

    def _add(self, route: Route, partitions: int) -> None:
        for partition in range(partitions):
            self.routes.setdefault(StreamName(route.source, route.channel, partition), route)

    async def rewind(self, source: str, from_seq: int) -> int:
        """Apply everything of a source (all of them, when empty) again from a number on, over what is there; how many
        messages."""
        return (await self.replay(source, from_seq, with_effects=True)).messages

    async def replay(self, source: str, from_seq: int, *, with_effects: bool) -> Replayed:
        """Make projections anew, or apply all the same. Raises WouldComeAgain."""
        begin = partial(self._replays.begin, source, from_seq, with_effects=with_effects)
        replayed = await self._writer.run(begin)
        self._go_again(replayed.streams)
        return replayed

    def _go_again(self, streams: Iterable[StreamName]) -> None:
        for stream in streams:
            self._healing.replay(stream)
        self._reader.stop()

    async def partings(self) -> list[Parting]:
        """Where sources do not know any more what is applied here. Raises Unavailable."""
        return [await self._settling.parting(stream) for stream in self._healing.parted]

    async def go_on(self, source: str) -> int:
        """Give up what that source has lost, and go on with what it says now; how many messages were lost."""
        partings = [parting for parting in await self.partings() if parting.stream.source == source]
        lost = sum([await self._settling.go_on(parting) for parting in partings])
        self._go_again(parting.stream for parting in partings)
        return lost

    # Starting: groups exist, and what an earlier life left pending is dealt with.

    async def _start(self) -> None:
        if not self._leases.owned:
            await self._leases.refresh()
        await self._create_groups(self._owned())
        await self._writer.run(self.inbox.load_lost)
        for stream in self._owned():
            await self._recover(stream)
        await self._look_at_ends(self._owned())
        if await self._writer.run(self.lot.try_kept):
            self.retry_soon()

    async def _owners_changed(self) -> None:
        self._ready = False
        self._reader.stop()
        self.retry_soon()

    def _owned(self) -> list[StreamName]:
        return [stream for stream in self.routes if stream.partition in self._leases.owned]

    async def _create_groups(self, streams: Iterable[StreamName]) -> None:
        """At the durable mark: 0 at first, and where it was when Redis has lost the group."""
        for stream in streams:
            mark = await self._writer.run(partial(self.inbox.mark, stream))
            await self._reader.create_group(stream, mark)
        self._behind = set(self._owned())
        self._ready = True

    async def _recover(self, stream: StreamName) -> None:
        """Read the own pending list to its end. Each entry is tried alone, for it may be the one that kills."""
        cursor: bytes | str = "0"
        while True:
            entries = await self._reader.pending(stream, cursor)
            if not entries:
                break
            cursor = entries[-1].entry_id
            await self._recover_entries(stream, entries)
        await self._again.forget(stream)

    async def _recover_entries(self, stream: StreamName, entries: list[Received]) -> None:
        mark = await self._writer.run(lambda: self.inbox.mark(stream))
        for entry in entries:
            if entry.seq > mark and not await self._deliver(stream, [entry], self._again.apply_alone):
                return
        await self._reader.acknowledge([(stream, entries)])

    # Running

    async def _step(self) -> None:
        if not self._ready:
            await self._start()
        for stream in await self._healing.revisit(self._owned()):
            await self._recover(stream)
        if self._loop.time() > self._looked_at + LOOK_SECONDS:
            await self._look_at_ends(self._readable())
        readable = self._readable()
        if not readable:
            await asyncio.sleep(0.1)
            return
        batches = await self._reader.new(readable, short=bool(self._healing.waiting))
        if batches is None:
            await self._create_groups(readable)
            return
        self._behind &= {stream for stream, entries in batches if len(entries) == self._batch}
        if not batches:
            await self._look_at_ends(readable)
            return
        delivered = await asyncio.gather(*[self._deliver(stream, entries) for stream, entries in batches])
        await self._reader.acknowledge([batch for batch, done in zip(batches, delivered, strict=True) if done])

    def _readable(self) -> list[StreamName]:
        return [stream for stream in self._owned() if stream not in self._healing.waiting]

    async def _look_at_ends(self, streams: list[StreamName]) -> None:
        self._looked_at = self._loop.time()
        await self._healing.look_at_ends(streams)

    async def _deliver(self, stream: StreamName, entries: list[Received], apply: Apply | None = None) -> bool:
        """Apply entries; where one is not the next, the source is asked. False: the partition has to wait."""
        apply = apply or partial(self._applying.apply, catches_up=stream in self._behind)
        while entries:
            applied = await apply(stream, entries)
            if applied is None:
                return False
            stopped = applied.stopped_at
            if stopped is None:
                return True
            if applied.doubted and not await self._healing.verify(stream):
                return False
            if applied.doubted and self.inbox.believes(stream, stopped):
                entries = [entry for entry in entries if entry.seq >= stopped.seq]
                continue
            if not await self._healing.heal(stream, applied.mark.seq, stopped, applied.reason):
                return False
            entries = [entry for entry in entries if entry.seq > stopped.seq]
        return True
