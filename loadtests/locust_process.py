"""The Locust process as seen from outside: started, listened to, told to end."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from loadtests.instructions import Instructions, as_argument
from loadtests.record import Line, read
from mallbots.last_words import last_words_of
from mallbots.launching import source_roots

LONGEST_LINE = 4 << 20
SLACK_SECONDS = 60.0
REMEMBERED_LINES = 200
LAST_WORDS_SECONDS = 2.0


class LocustProcess:
    def __init__(self, instructions: Instructions) -> None:
        self._instructions = instructions
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: deque[str] = deque(maxlen=REMEMBERED_LINES)

    async def run(self, hear: Callable[[Line], None]) -> str:
        """To its end. What was wrong with it; empty when nothing was."""
        told = self._instructions
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadtests.swarm", as_argument(told)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([*_roots(), os.environ.get("PYTHONPATH", "")])},
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
        complaining = asyncio.create_task(self._hear_complaints(self._process))
        try:
            async with asyncio.timeout(told.seconds + told.patience_seconds + SLACK_SECONDS):
                return await self._listen(self._process, hear, complaining)
        except TimeoutError:
            return f"Locust did not come to an end; it said last: {last_words_of(self._complaints)}"
        finally:
            self._send(signal.SIGKILL)
            await self._process.wait()
            complaining.cancel()

    def let_no_more_come(self) -> None:
        """Whoever is in the mall may finish."""
        self._send(signal.SIGUSR1)

    def hurry(self) -> None:
        self._send(signal.SIGTERM)

    async def _listen(
        self, process: asyncio.subprocess.Process, hear: Callable[[Line], None], complaining: asyncio.Task[None]
    ) -> str:
        assert process.stdout
        async for text in process.stdout:
            try:
                hear(read(text))
            except msgspec.DecodeError as error:
                return f"Locust said something odd: {error}"
        code = await process.wait()
        if not code:
            return ""
        await asyncio.wait([complaining], timeout=LAST_WORDS_SECONDS)
        return f"Locust ended with exit code {code}: {last_words_of(self._complaints)}"

    async def _hear_complaints(self, process: asyncio.subprocess.Process) -> None:
        """Passed on as they come; the last ones are remembered."""
        assert process.stderr
        async for line in process.stderr:
            text = line.decode(errors="replace")
            self._complaints.append(text)
            sys.stderr.write(text)
            sys.stderr.flush()

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)


def _roots() -> list[str]:
    """So that it imports what we have imported."""
    return [str(Path(__file__).resolve().parent.parent), *source_roots()]
