"""`mallbots soak`: customers for minutes on end, trouble all the while, and memory that has to stay flat."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from mallbots.chaos import Chaos
from mallbots.reporting import open_console
from mallbots.supervisor import Supervisor

SAMPLE_SECONDS = 2.0
WARM_SHARE = 0.4
MOST_GROWTH = 1.10
SLACK_MIB = 4.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of one process in MiB: when it was warm, and in the end."""

    context: str
    warm: float
    end: float

    @property
    def is_flat(self) -> bool:
        return self.end <= self.warm * MOST_GROWTH + SLACK_MIB


@dataclass(slots=True)
class Soak:
    """Goes `alongside` a day of `seconds`: the troubles that kill no process of a context, over and over."""

    running: Supervisor
    chaos: Chaos
    seconds: float
    samples: dict[str, list[float]] = field(default_factory=dict)
    _begun: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        watching = asyncio.create_task(self._watch())
        try:
            await self._make_trouble()
        finally:
            watching.cancel()

    async def until(self, share: float) -> None:
        await asyncio.sleep(max(0.0, self._begun + share * self.seconds - time.monotonic()))

    def memory(self) -> list[Memory]:
        """Of the processes that lived through all of it."""
        found = []
        for context, sizes in sorted(self.samples.items()):
            warm = sizes[int(len(sizes) * WARM_SHARE) : int(len(sizes) * WARM_SHARE) + len(sizes) // 10 + 1]
            end = sizes[-(len(sizes) // 10 + 1) :]
            found.append(Memory(context, _median(warm), _median(end)))
        return found

    async def _make_trouble(self) -> None:
        rounds = itertools.cycle(self.chaos.troubles_without_kills())
        for number, trouble in enumerate(rounds, 1):
            if time.monotonic() - self._begun > self.seconds - 5:
                break
            self.chaos.report(f"trouble {number}: {trouble.name}")
            await self.chaos.live_through(trouble)
            await asyncio.sleep(1.0)
        await self.chaos.end()
        await self.until(1.0)

    async def _watch(self) -> None:
        while True:
            for context, pid in self.running.pids.items():
                self.samples.setdefault(context, []).append(resident_mib(pid))
            await asyncio.sleep(SAMPLE_SECONDS)


def show_memory(found: Iterable[Memory]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("memory of")
    for title in ("warm", "in the end"):
        table.add_column(title, justify="right")
    for each in found:
        style = None if each.is_flat else "red"
        table.add_row(each.context, f"{each.warm:.0f} MiB", f"{each.end:.0f} MiB", style=style)
    open_console().print(table)


def resident_mib(pid: int) -> float:
    """Of a process of this machine; 0 when it is not there, or where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return round(ordered[len(ordered) // 2], 1) if ordered else 0.0
