"""A context's database goes back to a copy of earlier in the run; what was lost is settled, as an operator would."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from mallbots.actors.mall import Mall
from mallbots.directories import database_file
from mallbots.lost import lost
from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import PlatformError
from mallbots_platform.subscriptions import LOOK_SECONDS

SETTLED_WITHIN_SECONDS = 40.0


def restores(running: Supervisor, mall: Mall, dice: random.Random) -> Iterator[Trouble]:
    in_files = [context for context in running.contexts if context not in running.databases]
    context, take_back = dice.choice(in_files), dice.random() < 0.5
    restore = _Restore(running, mall, context, take_back)
    yield Trouble("restored", context, restore.make, restore.copy)


class _Restore:
    def __init__(self, running: Supervisor, mall: Mall, context: str, take_back: bool) -> None:
        self._running = running
        self._mall = mall
        self._context = context
        self._take_back = take_back
        self._database = database_file(running.data, context)
        self._copy = running.data / f"copy-of-{context}"

    async def copy(self) -> None:
        await asyncio.to_thread(_copy, self._database, self._copy)

    async def make(self) -> None:
        if not self._copy.exists():
            await self.copy()
            await asyncio.sleep(1.0)
        async with self._running.without(self._context):
            for path in self._database.parent.glob(f"{self._database.name}*"):
                path.unlink()
            self._copy.rename(self._database)
        await self._settle()

    async def _settle(self) -> None:
        """Not before everybody has had the time to see it."""
        seen_by, deadline = time.monotonic() + LOOK_SECONDS + 1.0, time.monotonic() + SETTLED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            try:
                async with open_operators(self._running.data) as operators:
                    waiting = await self._settle_what_waits(operators)
            except PlatformError:  # it is still starting
                continue
            if not waiting and time.monotonic() > seen_by:
                return
        raise Failed(f"{self._context} restored: it is not settled after {SETTLED_WITHIN_SECONDS:.0f} s")

    async def _settle_what_waits(self, operators: Operators) -> bool:
        """Whether anything did."""
        partings, messages = await lost(operators)
        self._mall.lost |= {id for each in messages for id in (each.correlation_id, each.subject)}
        if not partings and all(each.settled_at for each in messages):
            return False
        request = pb.SettleLostRequest(source=self._context, take_back=self._take_back)
        others = [context for context in operators.contexts if context != self._context]
        for context in (*others, self._context):
            await operators.of(context).SettleLost(request, timeout=DEADLINE_SECONDS)
        return True


async def discard_lost(operators: Operators, ids: set[str]) -> None:
    """What failed in conversations that one side has lost can only be given up."""
    for context, parked in await operators.parked():
        if parked.subject in ids:
            request = pb.DiscardParkedRequest(ids=[parked.id])
            await operators.of(context).DiscardParked(request, timeout=DEADLINE_SECONDS)


def _copy(database: Path, copy: Path) -> None:
    with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(copy)) as backup:
        live.backup(backup)
