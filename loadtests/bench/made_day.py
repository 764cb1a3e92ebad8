"""A day of a mall's metrics, made from a short look at them: each process lives what it had lived, over and over.

At every moment all counters of a process are what they were when they were seen last, times the same number. So buckets
stay sums of those below, a histogram's count stays its last bucket and its mean what it was. That number grows faster
by day than by night, and begins at nothing where the process is taken to have started again.
"""

import math
import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

Labels = tuple[tuple[str, str], ...]
DAY_SECONDS = 24 * 3600
LIFE_SECONDS = 60.0
RESTARTS = 3
CALMEST, BUSIEST = 0.6, 1.4


class Kind(Enum):
    COUNTER = auto()
    GAUGE = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Series:
    """What it was when it was seen last. `labels` are in order, with `__name__`."""

    labels: Labels
    kind: Kind
    value: float


@dataclass(frozen=True, slots=True)
class Life:
    """Of a process, sample by sample: how much of what it was seen to do it has done, and what its gauges are times."""

    done: Sequence[float]
    swing: Sequence[float]


def in_order(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def series_in(expositions: Iterable[str], **target: str) -> list[Series]:
    """Each series of any of them, as it was last; and what Prometheus says of the `target` itself."""
    found = {series.labels: series for text in expositions for series in _told(text, target)}
    of_itself = {"up": 1.0, "scrape_duration_seconds": 0.01, "scrape_samples_scraped": float(len(found))}
    return [*found.values(), *(_series("gauge", Sample(name, {}, value), target) for name, value in of_itself.items())]


def live(name: str, samples: int, every: float) -> Life:
    """By its `name`, always the same; a sample `every` so many seconds. It starts again a few times."""
    dice = random.Random(name)
    restarts = set(dice.sample(range(1, samples), RESTARTS))
    done, swing = [0.0], [1.0]
    for number in range(1, samples):
        step = every / LIFE_SECONDS * _bustle(number * every) * dice.uniform(0.5, 1.5)
        done.append(0.0 if number in restarts else done[-1] + step)
        swing.append(min(BUSIEST, max(CALMEST, swing[-1] + dice.gauss(0, 0.02))))
    return Life(done, swing)


def values(series: Series, life: Life, first: int, last: int) -> "array[float]":
    """From the sample `first` to the one before `last`. What was a whole number stays one."""
    if series.kind is Kind.FIXED:
        return array("d", [series.value]) * (last - first)
    times = (life.done if series.kind is Kind.COUNTER else life.swing)[first:last]
    value, nudge = series.value, 0.0 if series.kind is Kind.COUNTER else 0.5
    if value.is_integer():
        return array("d", [(value * each + nudge) // 1 for each in times])
    return array("d", [value * each for each in times])


def _told(exposition: str, target: dict[str, str]) -> Iterator[Series]:
    for family in text_string_to_metric_families(exposition):  # type: ignore[no-untyped-call]  # it has no types
        for sample in family.samples:
            yield _series(family.type, sample, target)


def _series(family: str, sample: Sample, target: dict[str, str]) -> Series:
    kind = Kind.GAUGE if family == "gauge" else Kind.COUNTER
    if sample.name.endswith("_created"):
        kind = Kind.FIXED
    return Series(in_order({"__name__": sample.name, **target, **sample.labels}), kind, float(sample.value))


def _bustle(second: float) -> float:
    """1 on average over a day, which begins and ends at night."""
    return 1 - 0.75 * math.cos(2 * math.pi * second / DAY_SECONDS)
