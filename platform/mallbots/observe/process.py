"""A program as a process: started, waited for, ended."""

import asyncio
import contextlib
import os
import time
import urllib.request
from pathlib import Path

from mallbots.launching import start_process
from mallbots.observe.program import Program
from mallbots.observe.site import Site
from mallbots.supervisor import end_process, how_it_ended

START_SECONDS = 60.0
ASK_AGAIN_SECONDS = 0.05
LAST_LINES = 3


class NotStarted(Exception):
    """Says why, with the program's own last lines."""


class RunningProgram:
    def __init__(self, process: asyncio.subprocess.Process, ready: str, log: Path) -> None:
        self._process = process
        self._ready = ready
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def until_ready(self) -> None:
        """Raises NotStarted."""
        deadline = time.monotonic() + START_SECONDS
        while not await asyncio.to_thread(answers, self._ready):
            if self._process.returncode is not None:
                raise NotStarted(self._last_words())
            if time.monotonic() > deadline:
                raise NotStarted(f"it does not answer at {self._ready} after {START_SECONDS:.0f} s: {self._log}")
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def until_ended(self) -> str:
        """How it came to that."""
        code = await self._process.wait()
        return f"{how_it_ended(code)}: {self._last_words()}"

    async def end(self) -> None:
        await end_process(self._process)
        _pid_file(self._log.parent).unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-LAST_LINES:]) or "it said nothing"


async def start(program: Program, site: Site) -> RunningProgram:
    """Raises NotStarted, or Failed when something of it is missing."""
    folder = site.folder(program.name)
    folder.mkdir(parents=True, exist_ok=True)
    if left := _left_running(folder):
        raise NotStarted(f"an earlier run left it running: stop it with `kill {left}`")
    launch = await asyncio.to_thread(program.prepare, site)
    with (folder / "log").open("wb") as log:
        command = (site.found[program.name], *launch.arguments)
        process = await start_process(*command, environ={**os.environ, **launch.environ}, output=log, cwd=folder)
    with contextlib.suppress(OSError):  # a full disk is said by the program itself
        _pid_file(folder).write_text(str(process.pid))
    return RunningProgram(process, launch.ready, folder / "log")


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(url, timeout=2.0):
        return True
    return False


def _left_running(folder: Path) -> int:
    """The id of the process that still uses the folder; 0 when there is none."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(_pid_file(folder).read_text())
        if str(folder) in Path(f"/proc/{pid}/cmdline").read_text(errors="replace"):
            return pid
    return 0


def _pid_file(folder: Path) -> Path:
    return folder / "pid"
