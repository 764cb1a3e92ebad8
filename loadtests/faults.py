"""A fault in the middle of a run: `mallbots fault on`, and off again, as an operator would say it."""

import asyncio
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.objectives import RECOVERY_SECONDS
from mallbots.undisturbed import undisturbed

COMMAND = (sys.executable, "-m", "mallbots", "fault")
ON_AFTER, OFF_AFTER = 1 / 4, 1 / 2
SECONDS_FOR_A_COMMAND = 30.0


@dataclass(frozen=True, slots=True)
class FaultPeriod:
    """From the first word to switch it on to the last one to switch it off, in seconds since the epoch; 0 when it did
    not come to that, and `trouble` says why. `name` is without its options."""

    name: str
    on_at: float = 0.0
    off_at: float = 0.0
    trouble: str = ""

    def is_felt(self, begun: float, ended: float) -> bool:
        """Whether it was on at some time in between, or had been shortly before."""
        over = self.off_at + RECOVERY_SECONDS if self.off_at else float("inf")
        return bool(self.on_at) and begun < over and ended > self.on_at


class FaultSwitch:
    """`fault` is passed on as it is: the name of a fault, and whatever options it takes."""

    def __init__(self, fault: str, data: Path, command: Sequence[str] = COMMAND) -> None:
        self._words = shlex.split(fault)
        self._where = _option("--context", self._words)
        self.period = FaultPeriod(self._words[0])
        self._data = data
        self._command = command

    async def during(self, seconds: float) -> None:
        """On for the second quarter of a run of so many seconds that begins now; off in any case."""
        begun = time.monotonic()
        await asyncio.sleep(seconds * ON_AFTER)
        on_at, longest = time.time(), seconds * (OFF_AFTER - ON_AFTER) + SECONDS_FOR_A_COMMAND
        if not await self._say("on", [*self._words, "--for", f"{longest:.0f}"]):
            return
        self.period = FaultPeriod(self.period.name, on_at)
        try:
            await asyncio.sleep(begun + seconds * OFF_AFTER - time.monotonic())
        finally:
            await undisturbed(self._off())

    async def _off(self) -> None:
        if await self._say("off", [*self._words[:1], *self._where]):
            self.period = FaultPeriod(self.period.name, self.period.on_at, time.time())

    async def _say(self, word: str, words: Sequence[str]) -> bool:
        process = await asyncio.create_subprocess_exec(
            *(*self._command, word, *words, "--data", str(self._data)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(), SECONDS_FOR_A_COMMAND)
        except TimeoutError:
            process.kill()
            said = b"it did not answer"
        if process.returncode:
            self._complain(word, said)
        return not process.returncode

    def _complain(self, word: str, said: bytes) -> None:
        last = next((line for line in reversed(said.decode(errors="replace").splitlines()) if line.strip()), "no word")
        trouble = f"could not be switched {word}: {last.strip()}"
        self.period = FaultPeriod(self.period.name, self.period.on_at, self.period.off_at, trouble)


def _option(name: str, words: Sequence[str]) -> list[str]:
    """The option with its value, as it stands among the words; nothing when it does not."""
    for place, word in enumerate(words):
        if word == name:
            return list(words[place : place + 2])
        if word.startswith(f"{name}="):
            return [word]
    return []
