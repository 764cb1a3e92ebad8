"""What a run has told so far."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from loadtests.record import Begun, Closed, Line, Meant, Placed, Sample, Summary, Surprise, Tick


class Measurements:
    """Takes line after line; whole at any moment."""

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.closed: Closed | None = None
        self.ticks: list[Tick] = []
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.placed: dict[str, Placed] = {}
        self.meant: dict[str, str] = {}
        self.surprises: list[Surprise] = []
        self.summary = Summary(calls=[], failures=[])

    def take(self, line: Line) -> None:
        match line:
            case Begun():
                self.begun = line
            case Closed():
                self.closed = line
            case Tick():
                self.ticks.append(line)
            case Sample():
                self.samples[line.series].append(line)
            case Placed():
                self.placed[line.order_id] = line
            case Meant():
                self.meant[line.order_id] = line.ends_as
            case Surprise():
                self.surprises.append(line)
            case Summary():
                self.summary = line

    @property
    def began_at(self) -> float:
        """In seconds since the epoch; 0 when nothing has begun."""
        return self.begun.at if self.begun else 0.0

    @property
    def seconds(self) -> float:
        """From the first customer to the last word."""
        return self.ticks[-1].at - self.ticks[0].at if self.ticks else 0.0

    @property
    def open_seconds(self) -> float:
        """As long as customers came."""
        return self.closed.at - self.began_at if self.closed else self.seconds

    @property
    def calls(self) -> int:
        return self.ticks[-1].calls - self.ticks[0].calls if self.ticks else 0

    @property
    def failed_calls(self) -> int:
        return self.ticks[-1].failed - self.ticks[0].failed if self.ticks else 0

    @property
    def swarm_cpu_seconds(self) -> float:
        return self.ticks[-1].cpu_seconds - self.ticks[0].cpu_seconds if self.ticks else 0.0

    def within(self, series: str, when: Callable[[float], bool]) -> list[Sample]:
        """Samples of what should have begun then; `when` is asked in seconds since the epoch."""
        return [sample for sample in self.samples[series] if when(sample.at)]


def percentile(durations: Iterable[float | None], percent: int) -> float:
    """The nearest rank. What never came about took for ever; of nothing, 0."""
    ordered = sorted(float("inf") if each is None else each for each in durations)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
