"""Processes that end, or stand still for longer than their leases."""

import asyncio
import random
import signal
from collections.abc import Iterator
from functools import partial

from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import KILLED, Trouble


def kills(running: Supervisor, dice: random.Random, lease_seconds: float) -> Iterator[Trouble]:
    contexts = list(running.contexts)
    pair, stopped = dice.sample(contexts, 2), dice.choice(contexts)
    for context in contexts:
        yield Trouble(KILLED, context, partial(_kill, running, context))
    yield Trouble(KILLED, " and ".join(pair), partial(_kill, running, *pair))
    yield Trouble(KILLED, "all contexts", partial(_kill_all, running))
    yield Trouble("stopped", stopped, partial(_stop_for, running, stopped, 1.5 * lease_seconds))


async def _kill(running: Supervisor, *contexts: str) -> None:
    for context in contexts:
        running.tell(context, signal.SIGKILL)
    await asyncio.sleep(0.1)


async def _kill_all(running: Supervisor) -> None:
    running.kill_all()
    await asyncio.sleep(0.1)


async def _stop_for(running: Supervisor, context: str, seconds: float) -> None:
    running.tell(context, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        running.tell(context, signal.SIGCONT)
