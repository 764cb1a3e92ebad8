"""flow: orders through all six contexts, as fast as they go, and how late effects are when there is no queue."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from loadtests.bench.contenders import CannotMeasure, clean_environ
from loadtests.bench.gentle_demo import PACE
from loadtests.bench.rows import Row, at_most
from loadtests.bench.scale import Scale
from loadtests.bench.stage import ROOT, Stage

LONGEST_SECONDS = 560.0
LIGHT_LOAD = 0.1


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    busy = _demo(stage, scale.orders, None)
    rate = busy["orders_per_second"]
    yield Row(
        group="flow",
        name="orders a second, a dozen customers at once",
        figure=rate,
        unit="/s",
        ours=_late(busy),
        note=_told(busy) + "; both cores, customers and robots included",
    )
    calm = _demo(stage, max(5, scale.orders // 3), 1 / (LIGHT_LOAD * rate))
    yield Row(
        group="flow",
        name=f"critical time at {LIGHT_LOAD:.0%} load, p99",
        figure=calm["critical_seconds"]["p99"] * 1000,
        unit="ms",
        target=at_most(50),
        ours=_late(calm),
        note=_told(calm) + f"; one customer every {1 / (LIGHT_LOAD * rate):.2f} s",
    )


def _demo(stage: Stage, orders: int, seconds_between: float | None) -> dict[str, Any]:
    """What a run of the demo says about itself; with all telemetry."""
    module, environ = ("mallbots", {}) if seconds_between is None else _gently(seconds_between)
    stage.receiver.clear()
    command = [sys.executable, "-m", module, "demo", "--orders", str(orders), "--seed", "1", "--json"]
    try:
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=clean_environ(stage.telemetry | environ),
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            preexec_fn=lambda: os.sched_setaffinity(0, {*stage.cores.measured, *stage.cores.others}),
        )
    except subprocess.TimeoutExpired as late:
        raise CannotMeasure(f"mallbots demo took longer than {late.timeout:g} s") from late
    if ran.returncode:
        raise CannotMeasure(f"mallbots demo exited with {ran.returncode}: {(ran.stderr or ran.stdout)[-300:]}")
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return said


def _gently(seconds_between: float) -> tuple[str, dict[str, str]]:
    return "loadtests.bench.gentle_demo", {PACE: f"{seconds_between:g}"}


def _late(said: dict[str, Any]) -> dict[str, float]:
    return {f"{name}_ms": said["critical_seconds"][name] * 1000 for name in ("p50", "p95", "p99")}


def _told(said: dict[str, Any]) -> str:
    late = " · ".join(f"{name} {said['critical_seconds'][name] * 1000:.0f}" for name in ("p50", "p95", "p99"))
    return f"{said['orders']['placed']} orders, critical time {late} ms"
