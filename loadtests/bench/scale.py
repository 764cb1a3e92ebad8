"""How much is measured, how often."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    rounds: int = 3
    events: int = 5_000
    probed: int = 1_000
    history: tuple[int, ...] = (100_000,)
    orders: int = 100
    calls: int = 3_000
    shown_hours: int = 24
    siege_seconds: float = 4.0


NORMAL = Scale()
FULL = Scale(history=(100_000, 1_000_000), orders=200)
QUICK = Scale(
    rounds=1, events=1_000, probed=200, history=(5_000,), orders=10, calls=500, shown_hours=1, siege_seconds=1.0
)
