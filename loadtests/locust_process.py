"""The Locust process as seen from outside: started, listened to, told to end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from loadtests.instructions import Instructions, as_argument
from loadtests.record import Line, read
from mallbots.launching import source_roots

LONGEST_LINE = 4 << 20
SLACK_SECONDS = 60.0


class LocustProcess:
    def __init__(self, instructions: Instructions) -> None:
        self._instructions = instructions
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, hear: Callable[[Line], None]) -> str:
        """To its end. What was wrong with it; empty when nothing was."""
        told = self._instructions
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadtests.swarm", as_argument(told)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([*_roots(), os.environ.get("PYTHONPATH", "")])},
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        try:
            async with asyncio.timeout(told.seconds + told.patience_seconds + SLACK_SECONDS):
                return await self._listen(self._process, hear)
        except TimeoutError:
            return "Locust did not come to an end"
        finally:
            self._send(signal.SIGKILL)
            await self._process.wait()

    def let_no_more_come(self) -> None:
        """Whoever is in the mall may finish."""
        self._send(signal.SIGUSR1)

    def hurry(self) -> None:
        self._send(signal.SIGTERM)

    async def _listen(self, process: asyncio.subprocess.Process, hear: Callable[[Line], None]) -> str:
        assert process.stdout
        async for text in process.stdout:
            try:
                hear(read(text))
            except msgspec.DecodeError as error:
                return f"Locust said something odd: {error}"
        code = await process.wait()
        return f"Locust ended with exit code {code}" if code else ""

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)


def _roots() -> list[str]:
    """So that it imports what we have imported."""
    return [str(Path(__file__).resolve().parent.parent), *source_roots()]
