"""What a migration leaves to be done while the process serves: in pieces that nobody notices, from where it was."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.errors import Unavailable
from mallbots_platform.migrations import Migration
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

LONGEST_PIECE_SECONDS = 0.02
FIRST_ROWS, MOST_ROWS = 16, 4096
PAUSE_SECONDS = 0.5


class Backfill:
    def __init__(self, writer: Writer, telemetry: Telemetry) -> None:
        self._writer = writer
        self._database = writer.database
        self._log = telemetry.log
        self._wanted: list[tuple[str, Migration]] = []

    def add(self, owner: str, migrations: Sequence[Migration]) -> None:
        self._wanted += [(owner, each) for each in migrations if each.online]

    async def run(self) -> None:
        """One after the other, until cancelled."""
        for owner, migration in self._wanted:
            await self._finish(owner, migration)
        await asyncio.Event().wait()

    async def _finish(self, owner: str, migration: Migration) -> None:
        rows = FIRST_ROWS
        while True:
            try:
                seconds = await self._writer.run(partial(self._piece, owner, migration, rows), catches_up=True)
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if seconds is None:
                return
            rows = fitting(rows, seconds)

    def _piece(self, owner: str, migration: Migration, rows: int) -> float | None:
        """How long it took; None when nothing is left."""
        lock = self._database.dialect.lock_to_change  # or another process would do the same piece
        [(finished_at, progress)] = self._database.run(_PROGRESS + lock, (owner, migration.number))
        if finished_at or migration.online is None:
            return None
        began = time.perf_counter()
        behind = migration.online(self._database, progress, rows)
        place = (owner, migration.number)
        if behind is None:
            self._database.run(_FINISHED, (now_us(), *place))
            told = partial(self._log.info, "migration finished", owner=owner, number=place[1], name=migration.name)
            self._writer.after_commit(told)
        else:
            self._database.run(_GOT_ON, (behind, *place))
        reached("migration: piece")
        return time.perf_counter() - began


def fitting(rows: int, seconds: float) -> int:
    """How many to take next, so that a piece takes no longer than it should."""
    if seconds > LONGEST_PIECE_SECONDS / 2:
        return max(1, rows // 2)
    return min(MOST_ROWS, rows * 2) if seconds < LONGEST_PIECE_SECONDS / 5 else rows


_PROGRESS = "SELECT finished_at, progress FROM platform_migrations WHERE owner = ? AND number = ?"
_GOT_ON = "UPDATE platform_migrations SET progress = ? WHERE owner = ? AND number = ?"
_FINISHED = "UPDATE platform_migrations SET finished_at = ? WHERE owner = ? AND number = ?"
