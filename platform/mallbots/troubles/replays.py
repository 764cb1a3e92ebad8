"""Projections that are made anew while everything is under way, and anew again before that has ended."""

import asyncio
import random
import signal
from collections.abc import Iterator
from functools import partial

from mallbots.operators import DEADLINE_SECONDS, open_operators
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble
from mallbots_platform import operator_pb2 as pb

PROJECTIONS = ("baskets", "depot")


def replays(running: Supervisor, dice: random.Random) -> Iterator[Trouble]:
    group = dice.choice(PROJECTIONS)
    yield Trouble("replayed", group, partial(_replay, running, group))


async def _replay(running: Supervisor, group: str) -> None:
    """Twice, and its process dies of neither."""
    request = pb.ReplayRequest(group=group, source="stores", from_sequence=1)
    async with open_operators(running.data) as operators:
        for _ in range(2):
            await operators.of(group).Replay(request, timeout=DEADLINE_SECONDS)
            await asyncio.sleep(0.05)
    running.tell(group, signal.SIGKILL)
    await asyncio.sleep(0.1)
