"""A run of which there is nothing but what chaos asks of it: no process, no Redis."""

import itertools
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mallbots.chaos import Chaos
from mallbots.directories import CONTEXTS
from mallbots.redis_proxy import RedisProxy
from mallbots_platform.endpoints import Endpoint

NOWHERE = "127.0.0.1:1"


class StandIn:
    """`told` are the signals that processes would have got."""

    def __init__(self, proxy: RedisProxy | None) -> None:
        self.data = Path("/nowhere")
        self.contexts = CONTEXTS
        self.endpoints = {context: Endpoint(NOWHERE, NOWHERE, NOWHERE, 0) for context in CONTEXTS}
        self.redis = SimpleNamespace(proxy=proxy)
        self.databases = ("payments",)
        self.told: list[tuple[str, signal.Signals]] = []

    def tell(self, context: str, number: signal.Signals) -> None:
        self.told.append((context, number))

    def kill_all(self) -> None:
        self.told += [(context, signal.SIGKILL) for context in self.contexts]


def chaos_of(seed: int, running: Any = None) -> Chaos:
    return Chaos(running or StandIn(RedisProxy("redis://127.0.0.1:1")), mall=None, seed=seed)  # type: ignore[arg-type]  # nobody shops


def seed_that_begins_with(kind: str) -> int:
    """The first seed whose first trouble is of that kind."""
    return next(seed for seed in itertools.count() if chaos_of(seed)._troubles[0].kind == kind)
