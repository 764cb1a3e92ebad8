"""Every query of every panel, rule and alert, asked of a Prometheus over a time: which were answered, and how fast."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import promql_parser

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.prometheus import Prometheus, least_seconds
from dashboards.queries import OF_ONE_CONTEXT, Asked, as_sent, asked_by, selectors, watched
from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS
from mallbots.directories import CONTEXTS

STEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answered:
    """`ever`: there was a value at some time; `at_last`: at the end."""

    asked: Asked
    ever: bool
    at_last: bool
    seconds: float

    @property
    def series(self) -> set[str]:
        """All that it asks for."""
        return {selector.name for selector in selectors(self.asked.parsed)}


def ask_everything(prometheus: Prometheus, since: float) -> list[Answered]:
    until = time.time()
    since += (until - since) % STEP_SECONDS
    return [_ask(prometheus, each, since, until) for each in everything()]


def everything() -> Iterator[Asked]:
    """Of an alert, that which it looks at."""
    for board in BOARDS:
        yield from asked_by(board)
    for recording in (*RECORDINGS, *OBJECTIVE_RECORDINGS):
        yield Asked(recording.name, recording.expr)
    for alert in ALERTS:
        for part in watched(promql_parser.parse(alert.expr)):
            yield Asked(alert.name, part.prettify())


def _ask(prometheus: Prometheus, asked: Asked, since: float, until: float) -> Answered:
    """Of one context after the other, where a page is of one."""
    contexts = CONTEXTS if OF_ONE_CONTEXT in asked.expr else ("",)
    longest, times = 0.0, set[float]()
    for context in contexts:
        ask = partial(prometheus.ask_over, as_sent(asked.expr, context), since, until, STEP_SECONDS)
        found, seconds = least_seconds(ask, 4)
        longest = max(longest, seconds)
        times.update(*(course.times for course in found))
    return Answered(asked, bool(times), any(until - at < STEP_SECONDS / 2 for at in times), longest)
