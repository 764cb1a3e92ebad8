"""Which core does what: the measured process and Redis share one, everything else has the other."""

import os
from typing import NamedTuple


class Cores(NamedTuple):
    measured: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def told(self) -> str:
        if self.measured == self.others:
            return "one core for everything: receiver and driver take time from what is measured"
        return f"consumer and Redis on core {self.measured[0]}, receiver of spans and driver on core {self.others[0]}"


def share_out(available: set[int]) -> Cores:
    """The last core gets the measured ones: the first is where a machine's interrupts tend to go."""
    ordered = sorted(available)
    return Cores((ordered[-1],), (ordered[0],))


def pin(pid: int, cores: tuple[int, ...]) -> None:
    """Every thread that the process has by now, and those that it will start."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)
