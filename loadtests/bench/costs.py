"""What a piece of work cost, and which of several runs counts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one run: `cpu_seconds` of the measured process alone, all its threads; `wall_seconds` until all was done."""

    events: int
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float = 0.0
    spans_lost: int = 0

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU per event."""
        return self.cpu_seconds * 1e6 / self.events

    @property
    def per_second(self) -> float:
        """Events in a second that passed."""
        return self.events / self.wall_seconds

    @property
    def per_cpu_second(self) -> float:
        return self.events / self.cpu_seconds


def least(runs: Iterable[Cost]) -> Cost:
    """The run that others on the machine disturbed least."""
    return min(runs, key=lambda run: run.cpu_us)


def times_as_fast(ours: Sequence[Cost], theirs: Sequence[Cost]) -> float:
    """How many events we get out of a second of CPU for each of theirs."""
    return least(ours).per_cpu_second / least(theirs).per_cpu_second


def spread(ours: Sequence[Cost], theirs: Sequence[Cost]) -> tuple[float, float]:
    """The same, round by round, from the worst to the best: how far the figure can be trusted."""
    ratios = [mine.per_cpu_second / other.per_cpu_second for mine, other in zip(ours, theirs, strict=True)]
    return min(ratios), max(ratios)


def spans_lost(runs: Iterable[Cost]) -> int:
    """In all runs, not only in the best."""
    return sum(run.spans_lost for run in runs)


def interleaved(rounds: int, contenders: Mapping[str, Callable[[], Cost]]) -> dict[str, list[Cost]]:
    """Each once, then each once more: what disturbs the machine for a while disturbs all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            costs[name].append(run())
    return costs
