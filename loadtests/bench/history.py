"""A time of a mall that Prometheus is given afterwards: what it would have scraped, and what its rules would have made
of that."""

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dashboards.panels import SCRAPE_SECONDS
from dashboards.prometheus import Course, Prometheus
from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS, Recording
from dashboards.rules import OFTEN, SELDOM
from loadtests.bench.made_day import Labels, in_order, live, series_in, values
from loadtests.bench.remote_write import time_series, write

# Prometheus takes nothing that is more than an hour older than the newest it has.
AT_ONCE_SECONDS = 1800
# Rules are worked out more seldom than in earnest, for it is most of the work; what lies between is filled in.
WORKED_OUT_SECONDS = 30
_RULES = tuple((OFTEN, each) for each in RECORDINGS) + tuple((SELDOM, each) for each in OBJECTIVE_RECORDINGS)


@dataclass(frozen=True, slots=True)
class History:
    """`since` and `until` are in seconds since 1970, the former before the first sample; the others are numbers of
    series."""

    since: int
    until: int
    scraped: int
    recorded: int


class Target:
    """A process that is scraped: what it `exposed`, and the life that is made of it."""

    def __init__(self, context: str, exposed: Sequence[str], samples: int) -> None:
        self.series = series_in(exposed, job="mallbots", instance=context, context=context)
        self._life = live(context, samples, SCRAPE_SECONDS)

    def written(self, times: range, first: int) -> Iterator[bytes]:
        """At these `times` in milliseconds; the earliest belongs to the sample number `first`."""
        at = tuple(times)
        for series in self.series:
            yield time_series(series.labels, at, values(series, self._life, first, first + len(at)))


def write_history(prometheus: Prometheus, exposed: Mapping[str, Sequence[str]], seconds: int) -> History:
    """Of so many seconds until now. `exposed` is what each context has said, as OpenMetrics, the latest last."""
    until = int(time.time()) // WORKED_OUT_SECONDS * WORKED_OUT_SECONDS
    since, recorded = until - seconds, set[Labels]()
    targets = [Target(context, said, seconds // SCRAPE_SECONDS) for context, said in exposed.items()]
    for begin in range(since, until, AT_ONCE_SECONDS):
        end = min(begin + AT_ONCE_SECONDS, until)
        times = range((begin + SCRAPE_SECONDS) * 1000, end * 1000 + 1, SCRAPE_SECONDS * 1000)
        for target in targets:
            write(prometheus.address, target.written(times, (begin - since) // SCRAPE_SECONDS))
        for interval, recording in _RULES:
            recorded |= _record(prometheus, recording, interval, begin, end)
    return History(since, until, sum(len(target.series) for target in targets), len(recorded))


def _record(prometheus: Prometheus, recording: Recording, interval: str, begin: int, end: int) -> set[Labels]:
    """After `begin` and up to `end`, as Prometheus itself works it out. Which series came of it."""
    every = int(interval.removesuffix("s"))
    courses = prometheus.ask_over(recording.expr, begin, end, WORKED_OUT_SECONDS)
    named = {_named(recording, course): filled(course, every) for course in courses}
    write(prometheus.address, (time_series(labels, *points) for labels, points in named.items()))
    return {labels for labels, (times, _) in named.items() if times}


def _named(recording: Recording, course: Course) -> Labels:
    own = {"slo": recording.objective} if recording.objective else {}
    return in_order({**course.labels, "__name__": recording.name, **own})


def filled(course: Course, every: int) -> tuple[tuple[int, ...], "array[float]"]:
    """After its first point, one `every` so many seconds, on straight lines; nothing where it had none. Times in
    milliseconds, and values."""
    parts = WORKED_OUT_SECONDS // every
    times, values = list[int](), array("d")
    for (before, low), (at, high) in pairwise(course.points):
        if at - before == WORKED_OUT_SECONDS:
            first = round(before) + every
            times.extend(range(first * 1000, round(at) * 1000 + 1, every * 1000))
            values.extend([low + (high - low) * part / parts for part in range(1, parts + 1)])
    return tuple(times), values
