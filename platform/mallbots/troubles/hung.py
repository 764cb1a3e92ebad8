"""A database that hangs: connections stay, and nobody at their other end does anything. Where PostgreSQL is found."""

import asyncio
import os
import signal
from collections.abc import Iterator

from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble

SECONDS = 4.0


def hung_databases(running: Supervisor) -> Iterator[Trouble]:
    for context in running.databases:
        yield Trouble("database frozen", context, lambda context=context: _freeze(running, context))  # type: ignore[misc] # a default binds it


async def _freeze(running: Supervisor, context: str) -> None:
    """Others may connect, and are served."""
    assert running.postgres is not None
    backends = await asyncio.to_thread(running.postgres.backends, context)
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(SECONDS)
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
