"""A run of which there is nothing but what chaos asks of it: no process, no Redis."""

import signal
from pathlib import Path
from typing import Any

from mallbots.chaos import Chaos
from mallbots.directories import CONTEXTS
from mallbots.redis_proxy import RedisProxy


class StandIn:
    """`told` are the signals that processes would have got."""

    def __init__(self, proxy: RedisProxy | None) -> None:
        self.data = Path("/nowhere")
        self.contexts = CONTEXTS
        self.proxy = proxy
        self.told: list[tuple[str, signal.Signals]] = []

    def tell(self, context: str, number: signal.Signals) -> None:
        self.told.append((context, number))


def chaos_of(seed: int, running: Any = None) -> Chaos:
    return Chaos(running or StandIn(RedisProxy("redis://127.0.0.1:1")), mall=None, seed=seed)  # type: ignore[arg-type]  # nobody shops


def seed_that_begins_with(kind: str, *, killing: bool = True) -> int:
    """The first seed whose first trouble is of that kind; of those without kills, if none is wanted."""
    for seed in range(10_000):
        chaos = chaos_of(seed)
        if (chaos._troubles if killing else chaos.troubles_without_kills())[0].kind == kind:
            return seed
    raise AssertionError(f"no chaos begins with {kind}")
