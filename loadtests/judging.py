"""Measurements held against objectives, in a part of a run; and what a fault had to do with it."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.faults import FaultPeriod
from loadtests.measurements import Measurements, percentile
from loadtests.objectives import MOST_FAILED_CALLS, OBJECTIVES, Objective
from loadtests.record import Sample, Tick

When = Callable[[float], bool]


class Kind(StrEnum):
    RUN = "run"
    OBJECTIVE = "objective"
    RECOVERY = "recovery"
    RECONCILIATION = "reconciliation"
    INVARIANT = "invariant"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be so; `detail` says what was found."""

    kind: Kind
    name: str
    holds: bool
    detail: str


def judge_objectives(measured: Measurements, when: When, fault: FaultPeriod | None = None) -> list[Check]:
    """What should have begun then; `when` is asked in seconds since the epoch."""
    latencies = [judge(each, measured.within(each.series, when), fault) for each in OBJECTIVES]
    return [*latencies, judge_calls(measured.ticks, when, fault)]


def judge(objective: Objective, samples: Sequence[Sample], fault: FaultPeriod | None = None) -> Check:
    reached = percentile((each.seconds for each in samples), objective.percent)
    holds = bool(samples) and reached <= objective.seconds
    never = sum(each.seconds is None for each in samples)
    detail = f"{shown(reached)} of {len(samples)}" + (f", {never} never" if never else "")
    if not samples:
        detail = "nothing was measured"
    elif fault and fault.on_at and not holds:
        detail += f"; {_split(objective, samples, fault)}"
    return Check(Kind.OBJECTIVE, objective.name, holds, detail)


def judge_calls(ticks: Sequence[Tick], when: When, fault: FaultPeriod | None = None) -> Check:
    calls, failed = _counts(ticks, lambda begun, ended: when(begun))
    holds = calls > 0 and failed <= calls * MOST_FAILED_CALLS
    detail = f"{failed} of {calls}"
    if fault and fault.on_at and not holds:
        during, failed_during = _counts(ticks, fault.is_felt)
        detail += (
            f"; {failed_during} of {during} while {fault.name} was felt, "
            f"{failed - failed_during} of {calls - during} otherwise"
        )
    return Check(Kind.OBJECTIVE, f"failed calls ≤ {MOST_FAILED_CALLS:.1%}", holds, detail)


def shown(seconds: float) -> str:
    return "never" if seconds == float("inf") else f"{seconds:.3f} s"


def _split(objective: Objective, samples: Sequence[Sample], fault: FaultPeriod) -> str:
    during: list[float | None] = []
    otherwise: list[float | None] = []
    for sample in samples:
        ended = float("inf") if sample.seconds is None else sample.at + sample.seconds
        (during if fault.is_felt(sample.at, ended) else otherwise).append(sample.seconds)
    felt = [shown(percentile(each, objective.percent)) if each else "none" for each in (during, otherwise)]
    return f"{felt[0]} while {fault.name} was felt, {felt[1]} otherwise"


def _counts(ticks: Sequence[Tick], when: Callable[[float, float], bool]) -> tuple[int, int]:
    """Calls, and failed ones, between ticks that qualify by the begin and the end of the time between them."""
    pairs = [(before, after) for before, after in itertools.pairwise(ticks) if when(before.at, after.at)]
    return (
        sum(after.calls - before.calls for before, after in pairs),
        sum(after.failed - before.failed for before, after in pairs),
    )
