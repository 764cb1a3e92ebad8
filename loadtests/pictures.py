"""Which charts the page of a run has."""

from collections.abc import Sequence
from itertools import pairwise

from loadtests.charts import Band, Chart, Curve, Limit, Point, draw, thinned
from loadtests.objectives import OBJECTIVES
from loadtests.record import APPROVED, CHECKOUT, PLACED, READY
from loadtests.verdict import Run


def pictures(run: Run) -> str:
    """Empty for a run that never began."""
    if len(run.measured.ticks) < 2:
        return ""
    charts = [_latency(run, series) for series in (PLACED, CHECKOUT, APPROVED, READY)]
    return "".join(draw(chart) for chart in [*charts, _calls(run), _customers(run), _cores(run), _memory(run)])


def _latency(run: Run, series: str) -> Chart:
    limits = [Limit(f"p{each.percent}", each.seconds) for each in OBJECTIVES if each.series == series]
    begun = run.measured.began_at
    points = [
        (sample.at - begun, float("inf") if sample.seconds is None else sample.seconds)
        for sample in run.measured.samples[series]
    ]
    dots = Curve("one customer each", "a", thinned(points, limits[-1].value), dots=True)
    return _chart(run, series, "seconds", [dots], limits)


def _calls(run: Run) -> Chart:
    pairs = list(pairwise(run.measured.ticks))
    calls = [(after.at, (after.calls - before.calls) / (after.at - before.at)) for before, after in pairs]
    failed = [(after.at, (after.failed - before.failed) / (after.at - before.at)) for before, after in pairs]
    curves = [Curve("all", "a", _since(run, calls)), Curve("failed", "bad", _since(run, failed))]
    return _chart(run, "Calls", "a second", curves)


def _customers(run: Run) -> Chart:
    points = [(tick.at, float(tick.customers)) for tick in run.measured.ticks]
    return _chart(run, "Customers in the mall", "", [Curve("customers", "b", _since(run, points))])


def _cores(run: Run) -> Chart:
    """CPU seconds a second."""
    locust = [(tick.at, tick.cpu_seconds) for tick in run.measured.ticks]
    mall = [(moment.at, moment.cpu_seconds) for moment in run.moments]
    curves = [
        Curve("the mall", "c", _since(run, _per_second(mall))),
        Curve("Locust", "b", _since(run, _per_second(locust))),
    ]
    return _chart(run, "Processor", "cores", curves)


def _memory(run: Run) -> Chart:
    points = [(moment.at, moment.memory_bytes / 2**20) for moment in run.moments]
    return _chart(run, "Memory", "MiB", [Curve("the mall", "c", _since(run, points))])


def _chart(run: Run, title: str, unit: str, curves: list[Curve], limits: Sequence[Limit] = ()) -> Chart:
    begun, seconds, fault = run.measured.began_at, run.measured.seconds, run.fault
    bands = []
    if fault and fault.on_at:
        bands = [Band(fault.name, fault.on_at - begun, (fault.off_at or begun + seconds) - begun)]
    marks = [(window.name, window.begin) for window in run.shape.windows[1:] if window.begin < seconds]
    return Chart(title, unit, seconds, curves, limits, bands, marks)


def _since(run: Run, points: list[Point]) -> list[Point]:
    return [(at - run.measured.began_at, value) for at, value in points]


def _per_second(spent: list[Point]) -> list[Point]:
    return [(after[0], (after[1] - before[1]) / (after[0] - before[0])) for before, after in pairwise(spent)]
