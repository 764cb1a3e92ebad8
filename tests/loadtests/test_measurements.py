from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from loadtests.measurements import Measurements, percentile
from loadtests.record import Begun, Closed, Meant, Placed, Sample, Tick


@mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_the_nearest_rank(percent: int, expected: float) -> None:
    assert percentile([float(each) for each in range(100, 0, -1)], percent) == expected


def test_what_never_came_about_took_for_ever() -> None:
    durations = [0.1] * 98 + [None] * 2

    assert percentile(durations, 95) == 0.1
    assert percentile(durations, 99) == float("inf")


def test_nothing_takes_no_time() -> None:
    assert percentile([], 95) == 0


@given(st.lists(st.floats(0, 1000), min_size=1), st.integers(1, 100))
def test_enough_of_all_are_within_a_percentile(durations: list[float], percent: int) -> None:
    reached = percentile(durations, percent)

    assert sum(each <= reached for each in durations) * 100 >= percent * len(durations)
    assert reached in durations


def test_totals_leave_out_what_was_before_the_run() -> None:
    measured = Measurements()

    measured.take(Begun(100.0))
    measured.take(Tick(100.0, customers=0, calls=32, failed=2, cpu_seconds=1.5))
    measured.take(Tick(101.0, customers=3, calls=40, failed=2, cpu_seconds=1.75))
    measured.take(Tick(103.0, customers=0, calls=62, failed=3, cpu_seconds=2.5))

    assert (measured.calls, measured.failed_calls) == (30, 1)
    assert (measured.seconds, measured.swarm_cpu_seconds) == (3.0, 1.0)


def test_customers_come_until_the_doors_close() -> None:
    measured = Measurements()
    measured.take(Begun(100.0))
    measured.take(Tick(100.0, customers=0, calls=0, failed=0, cpu_seconds=0))
    measured.take(Tick(130.0, customers=0, calls=0, failed=0, cpu_seconds=0))

    before = measured.open_seconds
    measured.take(Closed(120.0))

    assert (before, measured.open_seconds) == (30.0, 20.0)


def test_samples_are_found_by_when_they_began() -> None:
    measured = Measurements()
    early, late = Sample("checkout", 101.0, 9.0), Sample("checkout", 105.0, 0.1)
    measured.take(early)
    measured.take(late)

    assert measured.within("checkout", lambda at: at < 103) == [early]


def test_orders_are_known_with_what_was_meant() -> None:
    measured = Measurements()

    measured.take(Placed("order-1", 1.0, "pays when ready", "payment-1"))
    measured.take(Meant("order-1", "collected"))

    assert measured.placed["order-1"].journey == "pays when ready"
    assert measured.meant == {"order-1": "collected"}
