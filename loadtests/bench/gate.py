"""The measured process' end: it waits at a gate until it is let go, and then says what it has used since.

Only the standard library is imported here, for peers run in environments of their own.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

PREFIX = "bench "


class Gate:
    """What was used before the gate (imports, connections, tables) is not counted."""

    def __init__(self) -> None:
        self.work: dict[str, Any] = json.loads(sys.argv[1])
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # nobody reads what is printed besides, and a pipe that is full holds up its writer
        if cores := self.work.get("cores"):
            os.sched_setaffinity(0, cores)
        self._cpu = 0.0
        self._wall = 0.0

    def wait(self, **facts: Any) -> None:
        """Say that all is ready; return when told to go."""
        self._say(ready=True, **facts)
        self._next()
        self._cpu, self._wall = cpu_seconds(), time.monotonic()

    def wait_for_the_end(self) -> None:
        """Return when the one who measures has seen all of the effects."""
        self._next()

    def report(self, **facts: Any) -> None:
        self._say(
            cpu_seconds=cpu_seconds() - self._cpu,
            wall_seconds=time.monotonic() - self._wall,
            peak_mib=peak_mib(),
            **facts,
        )

    def _say(self, **facts: Any) -> None:
        print(PREFIX + json.dumps(facts), file=self._out, flush=True)

    def _next(self) -> None:
        if not sys.stdin.readline():
            os._exit(3)  # who measures is gone


def cpu_seconds() -> float:
    """Of all threads of this process, in user and in kernel mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    """The most memory that this process has had. What `getrusage` says begins at what its parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
