"""`python -m contexts.<name>`: a context from its settings in the environment to the signal that ends it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mallbots_platform import crash_points
from mallbots_platform.errors import PlatformError
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
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.stop)
        await process.start()
        settle_memory()
        process.telemetry.log.info("process started", grpc=process.endpoint.grpc, operator=process.endpoint.operator)
        await process.run()
        process.telemetry.log.info("process stopped")
