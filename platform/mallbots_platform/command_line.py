"""`python -m contexts.<name>`: a context from its settings in the environment to the signal that ends it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import FrameType

from mallbots_platform import crash_points
from mallbots_platform.errors import PlatformError
from mallbots_platform.last_resort import LONGEST_SECONDS, LastResort
from mallbots_platform.memory import settle_memory
from mallbots_platform.process import Process
from mallbots_platform.settings import Settings

Compose = Callable[[Settings], AbstractAsyncContextManager[Process]]


def main(compose: Compose) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    import uvloop

    context = compose.__module__.split(".")[-2]
    try:
        crash_points.arm(os.environ.get(crash_points.VARIABLE, ""))
        settings = Settings.from_environment(context)
        uvloop.run(_serve(compose, settings))
    except (PlatformError, ValueError) as error:
        sys.exit(f"{context} cannot start: {' '.join(str(error).split())}")


async def _serve(compose: Compose, settings: Settings) -> None:
    async with compose(settings) as process:
        process.telemetry.for_libraries()
        last_resort = LastResort(partial(_tell_unfinished, process))
        process.on_leaving = last_resort.arm
        for number in (signal.SIGTERM, signal.SIGINT):
            _leave_at(number, process, last_resort)
        await process.start()
        settle_memory()
        process.telemetry.log.info("process started", grpc=process.endpoint.grpc, operator=process.endpoint.operator)
        await process.run()
        process.telemetry.log.info("process stopped")


def _leave_at(number: signal.Signals, process: Process, last_resort: LastResort) -> None:
    """The loop is told as any loop is; the last resort before, for the loop may not turn any more."""
    asyncio.get_running_loop().add_signal_handler(number, process.stop)
    told_loop = signal.getsignal(number)

    def told(number: int, frame: FrameType | None) -> None:
        last_resort.arm()
        if callable(told_loop):
            told_loop(number, frame)

    signal.signal(number, told)


def _tell_unfinished(process: Process) -> None:
    process.telemetry.log.warning("left unfinished", what=process.unfinished, seconds=LONGEST_SECONDS)
