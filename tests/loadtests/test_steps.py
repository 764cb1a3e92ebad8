from collections.abc import Callable

from loadtests.measurements import Measurements
from loadtests.objectives import OBJECTIVES
from loadtests.record import Begun, Sample, Tick
from loadtests.shapes import STEPS, shape_of
from loadtests.steps import GRACE_SECONDS, breaking_point, has_broken, highest_held, steps

RAMP = shape_of("ramp", STEPS * 10)
HIGHEST = 40.0


def ramped(took: Callable[[float], float]) -> Measurements:
    """Every second somebody came; how long all took, by when."""
    measured = Measurements()
    measured.take(Begun(1000.0))
    for at in range(STEPS * 10):
        measured.take(Tick(1000.0 + at, 1, at * 10, 0, 0.0))
        for series in sorted({each.series for each in OBJECTIVES}):
            measured.take(Sample(series, 1000.0 + at, took(at)))
    return measured


def test_a_ramp_breaks_where_it_does_not_hold() -> None:
    measured = ramped(lambda at: 0.1 if at < 50 else 60.0)

    told = steps(measured, RAMP, HIGHEST, until=80)
    held, point = highest_held(told), breaking_point(told, "customers a second")

    assert held and held.load == 25.0
    assert point.holds
    assert point.detail.startswith("held 25 customers a second; broke at 30 customers a second: checkout p95")


def test_a_ramp_may_not_break_at_all() -> None:
    told = steps(ramped(lambda at: 0.1), RAMP, HIGHEST, until=80)

    assert breaking_point(told, "customers a second").detail == "held 40 customers a second; did not break"


def test_what_holds_again_later_does_not_count() -> None:
    told = steps(ramped(lambda at: 60.0 if 20 <= at < 30 else 0.1), RAMP, HIGHEST, until=80)
    held = highest_held(told)

    assert held and held.load == 10.0


def test_a_ramp_has_to_hold_its_first_step() -> None:
    point = breaking_point(steps(ramped(lambda at: 60.0), RAMP, HIGHEST, until=80), "customers a second")

    assert not point.holds
    assert point.detail.startswith("broke at 5 customers a second")


def test_a_step_gives_its_orders_time() -> None:
    measured = ramped(lambda at: 60.0)

    assert not has_broken(measured, RAMP, HIGHEST, until=10 + GRACE_SECONDS - 0.1)
    assert has_broken(measured, RAMP, HIGHEST, until=10 + GRACE_SECONDS)


def test_steps_nobody_came_to_are_not_told() -> None:
    assert len(steps(ramped(lambda at: 0.1), RAMP, HIGHEST, until=35)) == 3
