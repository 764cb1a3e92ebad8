from pytest import mark

from loadtests.judging import Kind
from loadtests.record import START, Begun, Sample, Surprise, Tick
from loadtests.verdict import Run
from loadtests.watch import Moment
from mallbots.invariants import Invariant
from tests.loadtests.loads import BEGAN_AT, a_fault, a_run, an_account


def broken(run: Run) -> list[str]:
    return [check.name for check in run.checks if not check.holds]


@mark.parametrize("shape", ["steady", "ramp", "spike", "soak"])
def test_a_run_in_which_all_went_well_passes(shape: str) -> None:
    run = a_run(shape, seconds=80)

    assert run.has_passed
    assert run.reasons == []


def test_slow_customers_fail_a_run() -> None:
    run = a_run(took=lambda at: 4.0 if at > 30 else 0.1)

    assert not run.has_passed
    assert "checkout p95 ≤ 0.25 s: 4.000 s of 54" in run.reasons


def test_the_warm_up_is_not_judged() -> None:
    run = a_run(took=lambda at: 60.0 if at < 6 else 0.1)

    assert run.has_passed


def test_a_spike_may_be_slow_while_it_lasts() -> None:
    assert a_run("spike", 100, lambda at: 60.0 if 40 <= at < 70 else 0.1).has_passed
    assert not a_run("spike", 100, lambda at: 60.0 if 70 <= at < 75 else 0.1).has_passed


def test_an_interrupted_run_is_no_pass() -> None:
    run = a_run(interruption="interrupted by SIGTERM")
    run.measured.take(Surprise(BEGAN_AT + 20, "pays when ready", "order-2", "was not over when the run was", cut=True))

    assert broken(run) == ["the run went to its end"]
    assert "interrupted by SIGTERM" in run.reasons[0]
    assert "1 customers still in the mall" in run.reasons[0]


def test_who_is_cut_off_is_a_surprise() -> None:
    run = a_run()

    run.measured.take(Surprise(BEGAN_AT + 20, "pays when ready", "order-2", "was not over when the run was", cut=True))

    assert broken(run) == ["every visit went as its customer meant it to"]


def test_stopped_on_its_page_is_no_pass() -> None:
    run = a_run(seconds=60)
    run.measured.closed = None
    run.measured.ticks = run.measured.ticks[:30]

    assert broken(run)[0] == "the run went to its end"
    assert "stopped on its page" in run.reasons[0]


def test_a_ramp_may_end_before_its_time() -> None:
    run = a_run("ramp", 80, lambda at: 0.1 if at < 40 else 60.0)
    run.measured.closed = None
    run.measured.ticks = run.measured.ticks[:60]

    assert run.has_passed
    assert [step.held for step in run.steps] == [True, True, True, True, False]


def test_a_crash_of_locust_is_the_reason() -> None:
    run = a_run(trouble="Locust ended with exit code 1")

    assert run.reasons[0].startswith("the run went to its end: Locust ended with exit code 1")


def test_a_run_that_never_began_is_judged_too() -> None:
    run = Run(instructions=a_run().instructions, measured=type(a_run().measured)(), unaccounted="nobody answered")

    assert not run.has_passed
    assert "all orders were accounted for: nobody answered" in run.reasons


def test_a_surprised_customer_is_the_reason() -> None:
    run = a_run()
    run.measured.take(Surprise(BEGAN_AT + 9, "pays when ready", "order-1", "order order-1 is rejected, not ready"))

    assert run.reasons == [
        "every visit went as its customer meant it to: pays when ready: order order-1 is rejected, not ready"
    ]


def test_customers_who_wait_at_the_door_are_seen() -> None:
    run = a_run()

    for at in range(20):
        run.measured.take(Sample(START, BEGAN_AT + at, 3.0))

    assert broken(run) == ["customers begin when they are due: p99 ≤ 0.5 s late"]


def test_locust_must_cost_less_than_the_mall() -> None:
    run = a_run(costs={"ordering": 5.0})

    assert run.reasons == ["Locust costs less than the mall: 12.0 s of CPU against 5.0 s"]


def test_memory_must_not_grow_in_a_soak() -> None:
    growing = [Moment(BEGAN_AT + at, 0.0, (100 + at) << 20) for at in range(100)]

    assert broken(a_run("soak", 100, moments=growing)) == ["memory grows by less than 25%"]
    assert a_run("steady", 100, moments=growing).has_passed


def test_a_soak_may_be_too_short() -> None:
    assert broken(a_run("soak", 100, moments=[])) == ["memory grows by less than 25%"]


def test_an_order_that_is_lost_fails_a_run() -> None:
    lost = Invariant("every accepted order is in the log, once", False, "order-1 was checked out 0 times")

    run = a_run(account=an_account(reconciled=[lost]))

    assert run.reasons == ["every accepted order is in the log, once: order-1 was checked out 0 times"]
    assert not run.is_whole


def test_a_broken_invariant_fails_a_run() -> None:
    run = a_run(account=an_account(invariants=[Invariant("money adds up", False, "customers paid 1")]))

    assert broken(run) == ["money adds up"]
    assert not run.is_whole


def test_a_mall_has_to_come_to_rest() -> None:
    run = a_run(account=an_account(left_over="3 messages wait to be handled"))

    assert run.reasons == ["the mall came to rest: 3 messages wait to be handled"]


def test_being_slow_loses_nothing() -> None:
    run = a_run(took=lambda at: 60.0)

    assert not run.has_passed
    assert run.is_whole


def test_a_fault_breaks_objectives_and_is_named() -> None:
    run = a_run(took=lambda at: 30.0 if 18 <= at < 48 else 0.1, fault=a_fault(20, 40))

    assert {check.kind for check in run.checks if not check.holds} == {Kind.OBJECTIVE}
    assert all("while slow-handler was felt, 0.100 s otherwise" in reason for reason in run.reasons)


def test_a_mall_recovers_from_a_fault() -> None:
    run = a_run(took=lambda at: 30.0 if 20 <= at < 44 else 0.1, fault=a_fault(20, 40))

    (recovered,) = [check for check in run.checks if check.name == "all is well 10 s after slow-handler"]

    assert recovered.holds
    assert recovered.detail == "the last that felt it began 3.0 s after it"


def test_a_mall_that_does_not_recover_fails() -> None:
    run = a_run(took=lambda at: 30.0 if at >= 20 else 0.1, fault=a_fault(20, 40))

    assert "all is well 10 s after slow-handler" in broken(run)


def test_recovery_needs_somebody_who_could_tell() -> None:
    run = a_run(fault=a_fault(30, 55))

    assert run.reasons == ["all is well 10 s after slow-handler: nobody came any more who could have told"]


def test_a_fault_has_to_have_been_on() -> None:
    run = a_run(fault=a_fault(0, 0, trouble="could not be switched on: there is no fault 'slow-handler'"))

    assert run.reasons == [
        "slow-handler was on, and off again: could not be switched on: there is no fault 'slow-handler'"
    ]


def test_a_run_may_end_before_its_fault() -> None:
    run = a_run(fault=a_fault(0, 0), interruption="interrupted by SIGINT")

    assert "slow-handler was on, and off again: it did not come to that" in run.reasons


def test_the_flow_to_look_at_was_collected() -> None:
    assert an_account(states={"order-1": "rejected", "order-2": "collected"}).flow == "order-2"
    assert an_account(states={"order-1": "rejected"}).flow == ""


def test_time_counts_from_the_first_word() -> None:
    run = a_run()

    assert run.measured.begun == Begun(BEGAN_AT)
    assert isinstance(run.measured.ticks[0], Tick)
    assert run.measured.seconds == 60
