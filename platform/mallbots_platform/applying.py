"""What a group has read is applied, under the fence of its partition."""

from collections.abc import Callable, Mapping
from functools import partial

from mallbots_platform.errors import Conflict
from mallbots_platform.handling import Received, Route
from mallbots_platform.inbox import Applied, Inbox
from mallbots_platform.leases import LeaseLost, Leases
from mallbots_platform.partitions import StreamName
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter


class Applying:
    """`on_parked` hears that something was set aside."""

    def __init__(
        self,
        group: str,
        routes: Mapping[StreamName, Route],
        inbox: Inbox,
        leases: Leases,
        writer: Writer,
        meter: Meter,
        on_parked: Callable[[], object],
    ) -> None:
        self._routes = routes
        self._inbox = inbox
        self._leases = leases
        self._writer = writer
        self._on_parked = on_parked
        self._fenced = meter.counter("mallbots_fenced_commits_total", group=group)

    async def apply(self, stream: StreamName, entries: list[Received], *, catches_up: bool) -> Applied | None:
        """None: the partition is another's now."""
        applied = None
        for together in self._inbox.apart(stream, entries):
            applied = await self._together(stream, together, catches_up)
            if applied is None or applied.stopped_at:
                break
        return applied

    async def _together(self, stream: StreamName, entries: list[Received], catches_up: bool) -> Applied | None:
        fence = self._leases.owned.get(stream.partition)
        if fence is None:
            return None
        while True:
            apply = partial(self._inbox.apply, self._routes[stream], stream, entries, fence)
            try:
                applied = await self._writer.run(apply, catches_up=catches_up)
            except LeaseLost as lost:
                self.lose(lost.partition)
                return None
            except Conflict:  # somebody has moved the mark, for a replay: what it says now counts
                continue
            if applied.parked:
                self._on_parked()
            if not applied.left:
                return applied
            entries = applied.left

    def lose(self, partition: int) -> None:
        self._fenced.inc()
        self._leases.lose(partition)
