"""Customers at their appointed times, whatever has become of earlier ones."""

import time
from collections.abc import Callable

from loadtests.shapes import arrivals, shape_of
from loadtests.swarm.here import Here

DOOR_SECONDS = 0.01


def bring(here: Here, began: float, come_in: Callable[[], object]) -> None:
    """Until all have come, or nobody may any more. `began` is on the clock of `time.perf_counter`.

    When the mall is full, who waits outside waits all the same: it counts.
    """
    told = here.instructions
    for at in arrivals(shape_of(told.shape, told.seconds), told.rate, told.seed):
        time.sleep(max(0.0, began + at - time.perf_counter()))
        while here.crowd >= told.users and not here.is_closing:
            time.sleep(DOOR_SECONDS)
        if here.is_closing:
            return
        here.due.append(began + at)
        come_in()
