"""What happens, told to Locust's own statistics and to the process that judges."""

import os
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from loadtests.record import CallStats, Failure, Line, Sample, Summary, Tick, write
from loadtests.swarm.mall import Called
from loadtests.swarm.metrics import Metrics

if TYPE_CHECKING:  # Locust changes the standard library when it is imported
    from locust.env import Environment
    from locust.stats import StatsEntry

NEVER_SECONDS = 120.0


class Never(Exception):
    """It was waited for, and did not come about."""


class Recorder:
    """Writes lines into `out`. Without a reader, there is nothing to live for."""

    def __init__(self, environment: "Environment", out: BinaryIO) -> None:
        self._environment = environment
        self._events: Any = environment.events
        self._out = out
        self.metrics = Metrics()
        self._calls = 0
        self._failed = 0

    def say(self, line: Line) -> None:
        try:
            write(line, self._out)
        except OSError:
            os._exit(1)

    def called(self, call: Called) -> None:
        self._calls += 1
        self._failed += call.error is not None
        self.metrics.called(call.method, call.seconds, failed=call.error is not None)
        self._count("gRPC", call.method, call.seconds, call.error, size=call.response_bytes)

    def sampled(self, sample: Sample) -> None:
        self.say(sample)
        missing = Never(f"{sample.series}: never") if sample.seconds is None else None
        seconds = NEVER_SECONDS if sample.seconds is None else sample.seconds
        self.metrics.sampled(sample.series, seconds)
        self._count("outcome", sample.series, seconds, missing)

    def visited(self, journey: str, seconds: float, error: BaseException | None) -> None:
        self._count("visit", journey, seconds, error)

    def tick(self, customers: int) -> None:
        self.metrics.count("customer", customers)
        self.say(Tick(time.time(), customers, self._calls, self._failed, time.process_time()))

    def sum_up(self) -> None:
        stats = self._environment.stats
        entries = sorted(stats.entries.values(), key=lambda entry: (str(entry.method), entry.name))
        calls = [_stats_of(entry) for entry in entries if entry.num_requests]
        failures = [Failure(each.name, str(each.error), each.occurrences) for each in stats.errors.values()]
        self.say(Summary(calls, failures))

    def _count(self, kind: str, name: str, seconds: float, error: BaseException | None, *, size: int = 0) -> None:
        self._events.request.fire(
            request_type=kind,
            name=name,
            response_time=seconds * 1000,
            response_length=size,
            exception=error,
            context={},
        )


def _stats_of(entry: "StatsEntry") -> CallStats:
    p50, p95, p99 = (entry.get_response_time_percentile(share) / 1000 for share in (0.5, 0.95, 0.99))
    return CallStats(
        kind=str(entry.method),
        name=entry.name,
        count=entry.num_requests,
        failed=entry.num_failures,
        p50=p50,
        p95=p95,
        p99=p99,
        slowest=entry.max_response_time / 1000,
    )
