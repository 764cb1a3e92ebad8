"""A line of the table: a figure, what it was made of, and what it should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.bench.costs import Cost


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure has to keep."""

    sign: str
    bound: float

    def holds(self, figure: float) -> bool:
        return figure >= self.bound if self.sign == "≥" else figure <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


def at_least(bound: float) -> Target:
    return Target("≥", bound)


def at_most(bound: float) -> Target:
    return Target("≤", bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`figure` in `unit` is what counts; `ours` and `theirs` are what it was made of, and what each cost."""

    group: str
    name: str
    figure: float
    unit: str = "x"
    target: Target | None = None
    ours: Mapping[str, float] = field(default_factory=dict)
    theirs: Mapping[str, float] = field(default_factory=dict)
    spread: tuple[float, float] | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """None where nothing was promised."""
        return self.target.holds(self.figure) if self.target else None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that was not measured, and why: something is not there, or it `failed`."""

    group: str
    name: str
    reason: str
    failed: bool = False


def of_cost(cost: Cost) -> dict[str, float]:
    """What a row tells of a cost."""
    told = {"cpu_us": cost.cpu_us, "per_second": cost.per_second}
    return told | ({"peak_mib": cost.peak_mib} if cost.peak_mib else {})


def as_json(row: Row | Skipped) -> dict[str, Any]:
    if isinstance(row, Skipped):
        return {"row": f"{row.group}: {row.name}", "failed" if row.failed else "skipped": row.reason}
    return {
        "row": f"{row.group}: {row.name}",
        "figure": _rounded(row.figure),
        "unit": row.unit,
        "target": str(row.target) if row.target else None,
        "holds": row.holds,
        "ours": {name: _rounded(value) for name, value in row.ours.items()},
        "theirs": {name: _rounded(value) for name, value in row.theirs.items()},
        "spread": [_rounded(value) for value in row.spread] if row.spread else None,
        "note": row.note,
    }


def _rounded(value: float) -> float:
    """Four digits that count; more would be noise."""
    return float(f"{value:.4g}")
