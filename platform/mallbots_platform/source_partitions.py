"""How many partitions each source of a process has. It says so itself; the last count is kept for when it is away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.database import Database
from mallbots_platform.errors import PlatformError
from mallbots_platform.peers import Peers
from mallbots_platform.source_log import ANSWER_SECONDS
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

ASK_AGAIN_SECONDS = 1.0
LOOK_SECONDS = 30.0
Follow = Callable[[str, int], Awaitable[None]]


class SourcePartitions:
    """Of those that never said how many they have, as many are looked for as this process has itself."""

    def __init__(self, database: Database, default: int) -> None:
        self._default = default
        self._known = {name.removeprefix(_FACT): int(value) for name, value in database.run(_READ, (f"{_FACT}%",))}

    def of(self, source: str) -> int:
        return self._known.get(source, self._default)

    async def keep_up(
        self, sources: Iterable[str], peers: Peers, writer: Writer, telemetry: Telemetry, follow: Follow
    ) -> None:
        """Ask them, and let `follow` know of another count, until cancelled."""
        told: set[str] = set()
        wanted = set(sources)
        while True:
            for source in sorted(wanted):
                if partitions := await _ask(peers, source):
                    told.add(source)
                    before = self.of(source)
                    if source not in self._known or partitions != before:
                        await self._keep(source, partitions, writer)
                    if partitions != before:
                        await follow(source, partitions)
                        telemetry.log.info("partitions followed", source=source, partitions=partitions, before=before)
            await asyncio.sleep(LOOK_SECONDS if told == wanted else ASK_AGAIN_SECONDS)

    async def _keep(self, source: str, partitions: int, writer: Writer) -> None:
        await writer.run(partial(writer.database.run, _KEEP, (f"{_FACT}{source}", str(partitions))))
        self._known[source] = partitions


async def _ask(peers: Peers, source: str) -> int:
    """0 where it does not answer."""
    try:
        operator = await peers.operator(source)
        status = await operator.GetStatus(pb.GetStatusRequest(), timeout=ANSWER_SECONDS)
    except PlatformError:
        return 0
    return int(status.partitions)


_FACT = "partitions of "
_READ = "SELECT name, value FROM platform_facts WHERE name LIKE ?"
_KEEP = """
    INSERT INTO platform_facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
