"""The figures of a run that its reports have in common."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loadtests.measurements import percentile
from loadtests.record import APPROVED, CHECKOUT, PLACED, READY, START
from loadtests.verdict import Run

SERIES = (START, PLACED, CHECKOUT, APPROVED, READY)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds, over the whole run; of what never came about, `never` says how often."""

    count: int
    never: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Drive:
    """What Locust did, and what one process of it could do at most; cores are CPU seconds a second."""

    calls: int
    calls_per_second: float
    locust_cores: float
    mall_cores: float
    most_calls_per_second: float


def latencies(run: Run) -> dict[str, Latency]:
    return {series: _latency([each.seconds for each in run.measured.samples[series]]) for series in SERIES}


def drive(run: Run) -> Drive:
    measured, seconds = run.measured, run.measured.seconds or 1.0
    locust = measured.swarm_cpu_seconds
    return Drive(
        calls=measured.calls,
        calls_per_second=round(measured.calls / seconds, 1),
        locust_cores=round(locust / seconds, 3),
        mall_cores=round(run.mall_cpu_seconds / seconds, 3),
        most_calls_per_second=round(measured.calls / locust, 1) if locust else 0.0,
    )


def as_json(run: Run) -> dict[str, Any]:
    """`latencies` in seconds; null where most of it never came about."""
    measured, account, fault = run.measured, run.account, run.fault
    return {
        "passed": run.has_passed,
        "reasons": run.reasons,
        "shape": run.shape.name,
        "seconds": round(measured.seconds, 3),
        "rate": run.instructions.rate,
        "users": run.instructions.users,
        "seed": run.instructions.seed,
        "orders": {"placed": len(measured.placed)} | dict(account.counts if account else {}),
        "latencies": {series: _finite(asdict(latency)) for series, latency in latencies(run).items()},
        "failed_calls": measured.failed_calls,
        "drive": asdict(drive(run)),
        "fault": asdict(fault) if fault else None,
        "steps": [{"load": step.load, "held": step.held, "broken": step.broken} for step in run.steps],
        "checks": [asdict(check) for check in run.checks],
        "flow": account.flow if account else "",
    }


def _latency(took: list[float | None]) -> Latency:
    p50, p95, p99 = (round(percentile(took, percent), 6) for percent in (50, 95, 99))
    return Latency(len(took), sum(each is None for each in took), p50, p95, p99)


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if value == float("inf") else value for name, value in figures.items()}
