"""Messages that a group may have tried before: what was left pending, and what its source's log has behind the mark."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from mallbots_platform.crash_notes import CrashNotes, in_order
from mallbots_platform.crash_points import reached
from mallbots_platform.handling import Received, Route
from mallbots_platform.healing import Apply
from mallbots_platform.inbox import Applied, Inbox
from mallbots_platform.leases import Fence
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer


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
        notes: CrashNotes,
    ) -> None:
        self._group = group
        self._routes = routes
        self._inbox = inbox
        self._notes = notes
        self._writer = writer
        self._apply = apply
        self._fence_of = fence_of
        self._survived: set[tuple[str, str]] = set()

    async def apply(self, stream: StreamName, messages: list[Received]) -> Applied | None:
        """Those of a log, in order: all together; one after the other up to where a process has died of one."""
        until = await self._writer.run(partial(self._begin, stream, messages[-1].seq))
        alone = [message for message in messages if message.seq <= until]
        if not alone:
            return await self._apply(stream, messages)
        for message in alone:
            applied = await self.apply_alone(stream, [message])
            if applied is None or applied.stopped_at:
                return applied
        mark = (await self._writer.run(partial(self._inbox.marks.read, stream))).mark
        return Applied(mark=mark)

    async def apply_alone(self, stream: StreamName, messages: list[Received]) -> Applied | None:
        """One of which the process may have died before: it is noted, and where it has ended too many lives, set aside
        instead."""
        [message] = messages
        async with self._notes.alone:
            deaths = await self._note(stream, message.seq)
            reached("recover: noted")
            if deaths >= self._notes.limit and await self._bury(stream, message, deaths):
                return Applied()
            try:
                return await self._apply(stream, messages)
            finally:
                self._survived.add((self._lane(stream), in_order(message.seq)))

    async def forget(self, stream: StreamName) -> None:
        """What is dealt with."""
        survived = frozenset(self._survived)
        await self._writer.run(partial(self._forget, stream, survived))
        self._survived -= survived

    async def _note(self, stream: StreamName, seq: int) -> int:
        """In the same commit the notes go of those that were tried before it, and did not end this process."""
        survived, lane = frozenset(self._survived), self._lane(stream)

        def note() -> int:
            self._notes.over(survived)
            return self._notes.note(lane, in_order(seq))

        deaths = await self._writer.run(note)
        self._survived -= survived
        return deaths

    def _begin(self, stream: StreamName, last: int) -> int:
        """Note the last of a batch; up to which number earlier lives have noted something and not got over it."""
        self._forget(stream)
        lane = self._lane(stream)
        left = [int(item) for item in self._notes.left(lane)]
        if not left:
            self._notes.note(lane, in_order(last))
        return max(left, default=0)

    async def _bury(self, stream: StreamName, entry: Received, deaths: int) -> bool:
        fence = self._fence_of(stream.partition)
        if fence is None:
            return False
        route = self._routes[stream]
        return await self._writer.run(lambda: self._inbox.bury_after_crashes(route, stream, entry, deaths, fence))

    def _forget(self, stream: StreamName, survived: Iterable[tuple[str, str]] = ()) -> None:
        self._notes.over(survived)
        self._notes.over_up_to(self._lane(stream), in_order(self._inbox.mark(stream)))

    def _lane(self, stream: StreamName) -> str:
        return f"{self._group} {stream.source}.{stream.channel}.{stream.partition}"
