"""How much load there is when: phases of a run, as shares of its highest rate or crowd; and who arrives when."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

STEPS = 8
CALM = 0.2


@dataclass(frozen=True, slots=True)
class Phase:
    """From share `begin` to share `end` of the highest load. Only what begins in a `judged` phase has to be good."""

    name: str
    seconds: float
    begin: float
    end: float
    judged: bool = True


class Window(NamedTuple):
    """A phase in time: seconds after the run began."""

    name: str
    begin: float
    end: float
    judged: bool


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    phases: tuple[Phase, ...]

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)

    @property
    def windows(self) -> list[Window]:
        windows, begin = [], 0.0
        for phase in self.phases:
            windows.append(Window(phase.name, begin, begin + phase.seconds, phase.judged))
            begin += phase.seconds
        return windows

    def level(self, at: float) -> float:
        """The share of the highest load, so many seconds after the start; 0 when it is over."""
        for phase, window in zip(self.phases, self.windows, strict=True):
            if window.begin <= at < window.end:
                return phase.begin + (phase.end - phase.begin) * (at - window.begin) / phase.seconds
        return 0.0


class Kind(NamedTuple):
    """A shape that can be asked for: what it is for, and how long and how high it is when nothing else is said."""

    purpose: str
    seconds: float
    rate: float
    phases: Callable[[float], tuple[Phase, ...]]


def shape_of(name: str, seconds: float) -> Shape:
    return Shape(name, KINDS[name].phases(seconds))


def arrivals(shape: Shape, rate: float, seed: int) -> Iterator[float]:
    """When customers come, in seconds after the start: a Poisson process of up to `rate` a second."""
    dice, at = random.Random(f"arrivals {seed}"), 0.0
    while (at := at + dice.expovariate(rate)) < shape.seconds:
        if dice.random() < shape.level(at):
            yield at


def _steady(seconds: float) -> tuple[Phase, ...]:
    return (Phase("warm-up", seconds * 0.1, CALM, 1, judged=False), Phase("steady", seconds * 0.9, 1, 1))


def _ramp(seconds: float) -> tuple[Phase, ...]:
    shares = [step / STEPS for step in range(1, STEPS + 1)]
    return tuple(Phase(f"{share:.1%}", seconds / STEPS, share, share) for share in shares)


def _spike(seconds: float) -> tuple[Phase, ...]:
    return (
        Phase("warm-up", seconds * 0.1, CALM / 2, CALM, judged=False),
        Phase("before", seconds * 0.3, CALM, CALM),
        Phase("spike", seconds * 0.1, 1, 1, judged=False),
        Phase("recovery", seconds * 0.2, CALM, CALM, judged=False),
        Phase("after", seconds * 0.3, CALM, CALM),
    )


def _soak(seconds: float) -> tuple[Phase, ...]:
    return (Phase("warm-up", seconds * 0.05, CALM, 1, judged=False), Phase("soak", seconds * 0.95, 1, 1))


KINDS = {
    "steady": Kind("the everyday load, on and on", 60, 2, _steady),
    "ramp": Kind("step by step up, until it does not hold any more", 120, 40, _ramp),
    "spike": Kind("all at once five times as many, then as before", 90, 10, _spike),
    "soak": Kind("for long; memory has to stay flat", 900, 2, _soak),
}
