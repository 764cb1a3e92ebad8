"""The verdict on a run: everything that has to be so, and whether it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from loadtests.faults import FaultPeriod
from loadtests.instructions import Instructions
from loadtests.judging import Check, Kind, When, judge_objectives
from loadtests.measurements import Measurements, percentile
from loadtests.objectives import (
    LATEST_START_SECONDS,
    MOST_MEMORY_GROWTH,
    MOST_SHARE_OF_CPU,
    OBJECTIVES,
    RECOVERY_SECONDS,
)
from loadtests.record import START
from loadtests.shapes import Shape, shape_of
from loadtests.steps import Step, WindowTest, breaking_point, highest_held, steps
from loadtests.watch import Moment
from mallbots.invariants import SHOWN, Invariant

ENOUGH_MOMENTS = 8
SLACK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Account:
    """What was found when all had come to rest. `left_over`: what had not; empty, if all had. `states`: of orders."""

    left_over: str
    reconciled: Sequence[Invariant]
    invariants: Sequence[Invariant]
    states: Mapping[str, str]

    @property
    def flow(self) -> str:
        """An order that is worth a look."""
        return next((id for id, state in self.states.items() if state == "collected"), "")

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.states.values())


@dataclass(kw_only=True)
class Run:
    """All there is to be known of a run. `interruption`, `trouble` and `unaccounted` are empty where there was none."""

    instructions: Instructions
    measured: Measurements
    costs: Mapping[str, float] = field(default_factory=dict)
    moments: Sequence[Moment] = ()
    fault: FaultPeriod | None = None
    interruption: str = ""
    trouble: str = ""
    account: Account | None = None
    unaccounted: str = ""

    @cached_property
    def shape(self) -> Shape:
        return shape_of(self.instructions.shape, self.instructions.seconds)

    @property
    def is_ramp(self) -> bool:
        return self.shape.name == "ramp"

    @property
    def highest(self) -> float:
        """Customers a second, or at once."""
        return self.instructions.rate if self.instructions.is_open else self.instructions.users

    @property
    def unit(self) -> str:
        return "customers a second" if self.instructions.is_open else "customers at once"

    @cached_property
    def steps(self) -> list[Step]:
        return steps(self.measured, self.shape, self.highest, self.measured.open_seconds) if self.is_ramp else []

    @property
    def mall_cpu_seconds(self) -> float:
        return sum(self.costs.values())

    @cached_property
    def checks(self) -> list[Check]:
        return [*_went_well(self), *_objectives(self), *_recovered(self), *_accounted(self)]

    @property
    def has_passed(self) -> bool:
        return all(check.holds for check in self.checks)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost, doubled or left over, however long it took."""
        kinds = (Kind.RECONCILIATION, Kind.INVARIANT)
        return all(check.holds for check in self.checks if check.kind in kinds)

    @property
    def reasons(self) -> list[str]:
        return [f"{check.name}: {check.detail}" for check in self.checks if not check.holds]


def _went_well(run: Run) -> list[Check]:
    checks = [_to_its_end(run), _as_meant(run), _kept_up(run), _cheaper_than_the_mall(run)]
    if run.shape.name == "soak":
        checks.append(_flat_memory(run.moments))
    return checks


def _to_its_end(run: Run) -> Check:
    lasted, planned = run.measured.open_seconds, run.shape.seconds
    stopped = "it was stopped on its page" if not run.is_ramp and lasted < planned - SLACK_SECONDS else ""
    wrong = run.interruption or run.trouble or stopped
    cut = sum(each.cut for each in run.measured.surprises)
    detail = f"{min(lasted, planned):.0f} s of {planned:.0f}, {len(run.measured.placed)} orders placed"
    detail += f", {cut} customers still in the mall" if cut else ""
    return Check(Kind.RUN, "the run went to its end", not wrong, f"{wrong}; {detail}" if wrong else detail)


def _as_meant(run: Run) -> Check:
    surprises = [each for each in run.measured.surprises if not (each.cut and run.interruption)]
    told = [f"{each.journey}: {each.what}" for each in surprises[:SHOWN]]
    more = f" and {len(surprises) - SHOWN} more" if len(surprises) > SHOWN else ""
    visits = len(run.measured.samples[START])
    detail = "; ".join(told) + more if surprises else f"{visits} visits"
    return Check(Kind.RUN, "every visit went as its customer meant it to", not surprises and visits > 0, detail)


def _kept_up(run: Run) -> Check:
    late = percentile((each.seconds for each in run.measured.samples[START]), 99)
    name = f"customers begin when they are due: p99 ≤ {LATEST_START_SECONDS:g} s late"
    return Check(Kind.RUN, name, run.is_ramp or late <= LATEST_START_SECONDS, f"{late:.3f} s")


def _cheaper_than_the_mall(run: Run) -> Check:
    locust, mall = run.measured.swarm_cpu_seconds, run.mall_cpu_seconds
    holds = locust <= mall * MOST_SHARE_OF_CPU
    return Check(Kind.RUN, "Locust costs less than the mall", holds, f"{locust:.1f} s of CPU against {mall:.1f} s")


def _flat_memory(moments: Sequence[Moment]) -> Check:
    name = f"memory grows by less than {MOST_MEMORY_GROWTH - 1:.0%}"
    quarter = len(moments) // 4
    if len(moments) < ENOUGH_MOMENTS:
        return Check(Kind.RUN, name, False, "the run was too short to tell")
    before, after = (_mean_memory(part) for part in (moments[quarter : 2 * quarter], moments[-quarter:]))
    detail = f"{before / 2**20:.0f} MiB, then {after / 2**20:.0f} MiB"
    return Check(Kind.RUN, name, after <= before * MOST_MEMORY_GROWTH, detail)


def _mean_memory(moments: Sequence[Moment]) -> float:
    return sum(moment.memory_bytes for moment in moments) / len(moments)


def _objectives(run: Run) -> list[Check]:
    """A ramp has to reach them as far as it held; other shapes in all their phases that count."""
    if not run.is_ramp:
        return judge_objectives(run.measured, _judged(run), run.fault)
    held = highest_held(run.steps)
    return [breaking_point(run.steps, run.unit), *(held.checks if held else ())]


def _judged(run: Run) -> When:
    tests = [WindowTest(run.measured.began_at, window) for window in run.shape.windows if window.judged]
    return lambda at: any(test(at) for test in tests)


def _recovered(run: Run) -> list[Check]:
    fault = run.fault
    if fault is None:
        return []
    switched = f"on for {fault.off_at - fault.on_at:.0f} s" if fault.off_at else "it did not come to that"
    good = bool(fault.off_at) and not fault.trouble
    said = Check(Kind.RECOVERY, f"{fault.name} was on, and off again", good, fault.trouble or switched)
    return [said, _whole_again(run, fault)] if fault.off_at else [said]


def _whole_again(run: Run, fault: FaultPeriod) -> Check:
    """What began so long after the fault has to be as if there had been none."""
    name = f"all is well {RECOVERY_SECONDS:g} s after {fault.name}"
    after = judge_objectives(run.measured, lambda at: at >= fault.off_at + RECOVERY_SECONDS)
    wrong = [f"{check.name}: {check.detail}" for check in after if not check.holds]
    if not run.measured.within(START, lambda at: at >= fault.off_at + RECOVERY_SECONDS):
        wrong = ["nobody came any more who could have told"]
    felt = f"the last that felt it began {_felt_until(run.measured, fault):.1f} s after it"
    return Check(Kind.RECOVERY, name, not wrong, "; ".join(wrong) or felt)


def _felt_until(measured: Measurements, fault: FaultPeriod) -> float:
    """When the last one began, after the fault, that took longer than it should."""
    slow = [
        sample.at - fault.off_at
        for objective in OBJECTIVES
        for sample in measured.samples[objective.series]
        if sample.at >= fault.off_at and (sample.seconds is None or sample.seconds > objective.seconds)
    ]
    return max(slow, default=0.0)


def _accounted(run: Run) -> list[Check]:
    account = run.account
    if account is None:
        return [Check(Kind.RECONCILIATION, "all orders were accounted for", False, run.unaccounted)]
    ended = ", ".join(f"{count} {state}" for state, count in account.counts.most_common())
    rest = Check(Kind.RECONCILIATION, "the mall came to rest", not account.left_over, account.left_over or ended)
    reconciled = [Check(Kind.RECONCILIATION, each.name, each.holds, each.detail) for each in account.reconciled]
    return [
        rest,
        *reconciled,
        *(Check(Kind.INVARIANT, each.name, each.holds, each.detail) for each in account.invariants),
    ]
