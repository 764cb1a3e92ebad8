"""How many users there are, as Locust asks every second."""

import time

from locust import LoadTestShape

from loadtests.instructions import Instructions
from loadtests.shapes import shape_of

SPAWNED_PER_SECOND = 100


class Pace(LoadTestShape):
    """Those who work here, and customers who come again; who comes once is not among them."""

    def __init__(self, instructions: Instructions) -> None:
        self._begun = 0.0
        self._shape = shape_of(instructions.shape, instructions.seconds)
        self._crew = instructions.robots + instructions.clerks
        self._customers = 0 if instructions.is_open else instructions.users

    def reset_time(self) -> None:
        """Locust calls it at the start."""
        self._begun = time.perf_counter()

    def tick(self) -> tuple[int, float] | None:
        at = time.perf_counter() - self._begun
        if at >= self._shape.seconds:
            return None
        return self._crew + round(self._shape.level(at) * self._customers), SPAWNED_PER_SECOND
