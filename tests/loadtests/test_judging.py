from loadtests.faults import FaultPeriod
from loadtests.judging import judge, judge_calls
from loadtests.objectives import Objective
from loadtests.record import Sample, Tick

TWO_SECONDS = Objective("placed → ready", 95, 2.0)


def samples(*seconds: float | None, first: float = 0.0) -> list[Sample]:
    return [Sample("placed → ready", first + place, took) for place, took in enumerate(seconds)]


def ticks(*counts: tuple[int, int]) -> list[Tick]:
    return [Tick(float(at), 0, calls, failed, 0.0) for at, (calls, failed) in enumerate(counts)]


def test_an_objective_holds_at_its_bound() -> None:
    check = judge(TWO_SECONDS, samples(*[2.0] * 20))

    assert check.holds
    assert check.detail == "2.000 s of 20"


def test_an_objective_leaves_room_for_a_few() -> None:
    assert judge(TWO_SECONDS, samples(*[0.5] * 19, 30.0)).holds
    assert not judge(TWO_SECONDS, samples(*[0.5] * 18, 30.0, 30.0)).holds


def test_what_never_came_about_breaks_an_objective() -> None:
    check = judge(TWO_SECONDS, samples(0.5, None))

    assert not check.holds
    assert check.detail == "never of 2, 1 never"


def test_an_objective_needs_something_measured() -> None:
    check = judge(TWO_SECONDS, [])

    assert not check.holds
    assert check.detail == "nothing was measured"


def test_the_reason_names_the_fault() -> None:
    fault = FaultPeriod("slow-handler", on_at=100.0, off_at=110.0)
    told = samples(*[0.5] * 10) + samples(*[8.0] * 20, first=100)

    check = judge(TWO_SECONDS, told, fault)

    assert check.detail == "8.000 s of 30; 8.000 s while slow-handler was felt, 0.500 s otherwise"


def test_a_fault_is_felt_by_earlier_customers() -> None:
    fault = FaultPeriod("slow-handler", on_at=100.0, off_at=110.0)

    check = judge(TWO_SECONDS, [Sample("placed → ready", 99.0, 5.0), Sample("placed → ready", 90.0, 0.5)], fault)

    assert check.detail == "5.000 s of 2; 5.000 s while slow-handler was felt, 0.500 s otherwise"


def test_a_fault_that_never_was_is_no_reason() -> None:
    check = judge(TWO_SECONDS, samples(9.0), FaultPeriod("slow-handler", trouble="could not be switched on"))

    assert check.detail == "9.000 s of 1"


def test_one_call_in_a_thousand_may_fail() -> None:
    assert judge_calls(ticks((0, 0), (1000, 1)), lambda at: True).holds
    assert not judge_calls(ticks((0, 0), (1000, 2)), lambda at: True).holds


def test_failed_calls_count_where_they_happened() -> None:
    told = ticks((0, 0), (100, 50), (1100, 50))

    assert judge_calls(told, lambda at: at >= 1).holds
    assert not judge_calls(told, lambda at: at < 1).holds


def test_failed_calls_are_laid_at_the_faults_door() -> None:
    told = ticks((0, 0), (100, 0), (150, 40), *[(150, 40)] * 10, (250, 40))

    check = judge_calls(told, lambda at: True, FaultPeriod("cut-redis", on_at=1.1, off_at=1.9))

    assert check.detail == "40 of 250; 40 of 50 while cut-redis was felt, 0 of 200 otherwise"


def test_no_calls_at_all_are_no_success() -> None:
    assert not judge_calls(ticks((5, 0), (5, 0)), lambda at: True).holds
