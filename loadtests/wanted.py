"""What a run is asked to be, and whether that is more than is good for anybody."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.shapes import KINDS

MOST_RATE, MOST_USERS, MOST_SECONDS, MOST_VISITS = 500.0, 2000, 6 * 3600.0, 50_000
SHORTEST_SECONDS, SHORTEST_WITH_FAULT = 5.0, 45.0
CROWD_PER_RATE, SMALLEST_CROWD = 30, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """As in `Instructions`. `data` is where a mall runs already, or where one of our own is to be kept, if anywhere."""

    shape: str
    seconds: float = 0.0
    rate: float = 0.0
    users: int = 0
    seed: int = 1
    data: Path | None = None
    fault: str = ""
    page: str = ""
    metrics: str = ""


def filled_in(wanted: Wanted) -> Wanted:
    """With what suits the shape where nothing is said."""
    kind = KINDS[wanted.shape]
    seconds = wanted.seconds or kind.seconds
    rate = wanted.rate or (0.0 if wanted.users else kind.rate)
    crowd = min(MOST_USERS, max(SMALLEST_CROWD, math.ceil(rate * CROWD_PER_RATE)))
    return replace(wanted, seconds=seconds, rate=rate, users=wanted.users or crowd)


def problem_with(wanted: Wanted) -> str:
    """One sentence; empty when it is fine."""
    if wanted.shape not in KINDS:
        return f"--shape is {wanted.shape!r}, must be one of {', '.join(KINDS)}"
    if not (math.isfinite(wanted.seconds) and math.isfinite(wanted.rate)):
        return "--seconds and --rate must be numbers"
    whole = filled_in(wanted)
    if not SHORTEST_SECONDS <= whole.seconds <= MOST_SECONDS:
        return f"--seconds is {whole.seconds:g}, must be {SHORTEST_SECONDS:g} to {MOST_SECONDS:g}"
    if wanted.fault and whole.seconds < SHORTEST_WITH_FAULT:
        return f"--seconds is {whole.seconds:g}, must be {SHORTEST_WITH_FAULT:g} or more to see a fault come and go"
    if not 0 <= whole.rate <= MOST_RATE:
        return f"--rate is {whole.rate:g}, must be 0 to {MOST_RATE:g}"
    if not 1 <= whole.users <= MOST_USERS:
        return f"--users is {whole.users}, must be 1 to {MOST_USERS}"
    if whole.rate * whole.seconds > MOST_VISITS:
        return f"{whole.rate:g} customers a second for {whole.seconds:g} s are more than {MOST_VISITS}"
    return ""
