"""Runs of the load tests, made up: all went well, unless said otherwise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from loadtests.faults import FaultPeriod
from loadtests.instructions import Instructions
from loadtests.measurements import Measurements
from loadtests.objectives import OBJECTIVES
from loadtests.record import START, Begun, CallStats, Closed, Failure, Meant, Placed, Sample, Summary, Tick
from loadtests.shapes import shape_of
from loadtests.verdict import Account, Run
from loadtests.watch import Moment
from mallbots.invariants import Invariant

BEGAN_AT = 1_700_000_000.0
SERIES = sorted({each.series for each in OBJECTIVES})
Took = Callable[[float], float | None]


def a_run(shape: str = "steady", seconds: float = 60, took: Took = lambda at: 0.1, **changes: Any) -> Run:
    """`took`: how long everything took that began so many seconds after the start."""
    told = Instructions(addresses={}, shape=shape, seconds=seconds, rate=2, users=60, seed=1)
    run = Run(
        instructions=told,
        measured=measurements(shape_of(shape, seconds).seconds, took),
        costs={"ordering": 40.0, "redis": 10.0},
        moments=[Moment(BEGAN_AT + at, at * 0.8, 500 << 20) for at in range(int(seconds))],
        account=an_account(),
    )
    for name, value in changes.items():
        setattr(run, name, value)
    return run


def measurements(seconds: float, took: Took) -> Measurements:
    """One customer a second, ten calls a second."""
    measured = Measurements()
    measured.take(Begun(BEGAN_AT))
    for at in range(int(seconds) + 1):
        measured.take(Tick(BEGAN_AT + at, 2, at * 10, 0, at * 0.2))
        measured.take(Sample(START, BEGAN_AT + at, 0.001))
        for series in SERIES:
            measured.take(Sample(series, BEGAN_AT + at, took(at)))
    measured.take(Closed(BEGAN_AT + seconds))
    measured.take(Placed("order-1", BEGAN_AT + 3, "pays when ready", "payment-1"))
    measured.take(Meant("order-1", "collected"))
    calls = [CallStats("gRPC", "OrderingService/GetOrder", 600, 1, 0.01, 0.02, 0.03, 0.04)]
    measured.take(Summary(calls, [Failure("OrderingService/GetOrder", "<UNAVAILABLE>", 1)]))
    return measured


def an_account(**changes: Any) -> Account:
    fine = Invariant("every accepted order is in the log, once", True, "1 orders")
    money = Invariant("money adds up", True, "paid 5.00, sold 5.00")
    account = Account(left_over="", reconciled=[fine], invariants=[money], states={"order-1": "collected"})
    return replace(account, **changes)


def a_fault(on: float, off: float, trouble: str = "") -> FaultPeriod:
    """In seconds after the start."""
    return FaultPeriod("slow-handler", BEGAN_AT + on if on else 0.0, BEGAN_AT + off if off else 0.0, trouble)
