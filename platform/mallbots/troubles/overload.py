"""Several times as many calls as a context can carry out, for a few seconds, from a process of their own."""

import asyncio
import os
import random
import sys
from collections.abc import Iterator
from functools import partial

from mallbots.launching import import_path
from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble

CALLS_A_SECOND = 2000
SECONDS = 3.0


def overloads(running: Supervisor, dice: random.Random) -> Iterator[Trouble]:
    context = dice.choice(running.contexts)
    yield Trouble("overloaded", context, partial(_overload, running, context))


async def _overload(running: Supervisor, context: str) -> None:
    """Raises Failed where none of the calls came through to it."""
    crowd = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mallbots.troubles.crowd", context, running.endpoints[context].grpc),
        *(f"{CALLS_A_SECOND}", f"{SECONDS:g}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": import_path()},
    )
    try:
        _, complaints = await crowd.communicate()
    finally:
        if crowd.returncode is None:
            crowd.kill()
    if crowd.returncode:
        raise Failed(f"nobody came to {context}: {complaints.decode(errors='replace')[-300:]}")
