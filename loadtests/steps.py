"""A ramp, step by step: how far it held, and where it broke."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.judging import Check, Kind, judge_objectives
from loadtests.measurements import Measurements
from loadtests.shapes import Shape, Window

# What is placed at the end of a step needs a while to get ready.
GRACE_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Step:
    window: Window
    load: float
    checks: Sequence[Check]

    @property
    def held(self) -> bool:
        return all(check.holds for check in self.checks)

    @property
    def broken(self) -> str:
        """The first thing that did not hold."""
        return next((f"{check.name}: {check.detail}" for check in self.checks if not check.holds), "")


def steps(measured: Measurements, shape: Shape, highest: float, until: float) -> list[Step]:
    """Those that were over before so many seconds after the start."""
    done = [window for window in shape.windows if window.end <= until]
    return [
        Step(window, shape.level(window.begin) * highest, judge_objectives(measured, in_window(measured, window)))
        for window in done
    ]


def has_broken(measured: Measurements, shape: Shape, highest: float, until: float) -> bool:
    """While it runs: whether there is any point in going on."""
    return any(not step.held for step in steps(measured, shape, highest, until - GRACE_SECONDS))


def highest_held(all_steps: Sequence[Step]) -> Step | None:
    """Before the first one that broke."""
    held = None
    for step in all_steps:
        if not step.held:
            return held
        held = step
    return held


def breaking_point(all_steps: Sequence[Step], unit: str) -> Check:
    """That the first step held is all that is asked of a ramp."""
    held = highest_held(all_steps)
    broken = next((step for step in all_steps if not step.held), None)
    told = [f"held {held.load:g} {unit}"] if held else []
    told += [f"broke at {broken.load:g} {unit}: {broken.broken}"] if broken else ["did not break"]
    return Check(Kind.RUN, "how much it takes", held is not None, "; ".join(told))


def in_window(measured: Measurements, window: Window) -> "WindowTest":
    return WindowTest(measured.began_at, window)


@dataclass(frozen=True, slots=True)
class WindowTest:
    began_at: float
    window: Window

    def __call__(self, at: float) -> bool:
        return self.window.begin <= at - self.began_at < self.window.end
