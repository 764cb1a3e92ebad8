"""Contenders that need no stream: they do a number of things of their own, and say what that took."""

from collections.abc import Mapping
from typing import Any

from loadtests.bench.contenders import Contender, Started
from loadtests.bench.costs import Cost
from loadtests.bench.stage import Stage


def run(stage: Stage, module: str, times: int, told: Mapping[str, Any]) -> Cost:
    """One run of `module`, which does `times` things; spans go to the receiver."""
    place = stage.empty()
    contender = Contender(name=module, module=f"loadtests.bench.consumers.{module}", reads=(), writes=(), told=told)
    work = {"redis": stage.redis.url, "database": str(place / "inner.db"), "cores": stage.cores.measured}
    with Started(contender, work, place / "log", stage.telemetry) as started:
        started.go()
        used = started.hear()
    return Cost(
        events=times, cpu_seconds=used["cpu_seconds"], wall_seconds=used["wall_seconds"], peak_mib=used["peak_mib"]
    )
