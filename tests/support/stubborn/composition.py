"""`python -m tests.support.stubborn WHAT`: a context of which a part never comes to an end, once it serves.

It has less patience with itself than others, so that nobody who looks at it has to wait for long.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mallbots_platform import command_line, health, leaving
from mallbots_platform.last_resort import LastResort
from mallbots_platform.messages import Contract
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings

PATIENCE_SECONDS = 2.0
hanging: list[Any] = []


def for_ever() -> None:
    while True:
        time.sleep(0.01)


async def for_ever_and_deaf() -> None:
    while True:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            continue


def hang(process: Process, what: str) -> None:
    match what:
        case "writer":
            hanging.append(asyncio.ensure_future(process.change(for_ever)))
        case "reader":
            hanging.append(asyncio.ensure_future(process.read(for_ever)))
        case "loop":
            for_ever()
        case "closing":
            process.closing.append(for_ever_and_deaf)


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(Contract(context="stubborn"), settings) as process:
        asyncio.get_running_loop().call_later(0.5, hang, process, sys.argv[1])
        yield process


def main() -> None:
    leaving.GONE_SECONDS = PATIENCE_SECONDS - 0.5
    health.LATE_SECONDS = 1.0
    setattr(command_line, "LastResort", partial(LastResort, seconds=PATIENCE_SECONDS))  # noqa: B010 # it is not its own
    command_line.main(compose)
