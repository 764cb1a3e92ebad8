"""Messages that a group may have tried before: what was left pending, and what its source's log has behind the mark."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from mallbots_platform.crash_notes import LIMIT, CrashNotes
from mallbots_platform.crash_points import reached
from mallbots_platform.handling import Received, Route
from mallbots_platform.inbox import Applied, Inbox
from mallbots_platform.leases import Fence
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer

Apply = Callable[[StreamName, list[Received]], Awaitable[Applied | None]]


class TryingAgain:
    """`apply` applies messages; it comes to None where the partition is another's now, as does `fence_of`."""

    def __init__(
        self,
        group: str,
        routes: Mapping[StreamName, Route],
        inbox: Inbox,
        writer: Writer,
        apply: Apply,
        fence_of: Callable[[int], Fence | None],
        limit: int = LIMIT,
    ) -> None:
        self._group = group
        self._routes = routes
        self._inbox = inbox
        self._notes = CrashNotes(writer.database)
        self._writer = writer
        self._apply = apply
        self._fence_of = fence_of
        self._limit = limit
        self._noted: set[tuple[StreamName, int]] = set()

    async def apply(self, stream: StreamName, messages: list[Received]) -> Applied | None:
        """Those of a log, in order: all together; one after the other up to where a process has died of one."""
        until = await self._writer.run(partial(self._begin, stream, messages[-1].seq))
        alone = [message for message in messages if message.seq <= until]
        if not alone:
            return await self._apply(stream, messages)
        for message in alone:
            if not await self.is_buried(stream, message):
                applied = await self._apply(stream, [message])
                if applied is None or applied.stopped_at:
                    return applied
        mark = (await self._writer.run(partial(self._inbox.marks.read, stream))).mark
        return Applied(mark=mark)

    async def is_buried(self, stream: StreamName, entry: Received) -> bool:
        """It is noted, once in the life of this process; where it has ended too many lives, it is set aside."""
        if (stream, entry.seq) in self._noted:
            return False
        deaths = await self._writer.run(lambda: self._notes.note(self._lane(stream), _item(entry.seq)))
        reached("recover: noted")
        self._noted.add((stream, entry.seq))
        return deaths >= self._limit and await self._bury(stream, entry, deaths)

    async def forget(self, stream: StreamName) -> None:
        """What is dealt with."""
        mark = await self._writer.run(partial(self._forget, stream))
        self._noted = {(of, seq) for of, seq in self._noted if of != stream or seq > mark}

    def _begin(self, stream: StreamName, last: int) -> int:
        """Note the last of a batch; up to which number earlier lives have noted something and not got over it."""
        self._forget(stream)
        lane = self._lane(stream)
        left = [int(item) for item in self._notes.left(lane)]
        if not left:
            self._notes.note(lane, _item(last))
        return max(left, default=0)

    async def _bury(self, stream: StreamName, entry: Received, deaths: int) -> bool:
        fence = self._fence_of(stream.partition)
        if fence is None:
            return False
        route = self._routes[stream]
        return await self._writer.run(lambda: self._inbox.bury_after_crashes(route, stream, entry, deaths, fence))

    def _forget(self, stream: StreamName) -> int:
        mark = self._inbox.mark(stream)
        self._notes.over_up_to(self._lane(stream), _item(mark))
        return mark

    def _lane(self, stream: StreamName) -> str:
        return f"{self._group} {stream.source}.{stream.channel}.{stream.partition}"


def _item(seq: int) -> str:
    """So that texts have the order of numbers."""
    return f"{seq:020d}"
