"""Who would wait in vain is refused at once, before anything is done for it, and told when to come again.

The bound is one in time: a call may wait for so many seconds at most, and for no more than a part of its patience, for
what is answered late was done for nobody.
"""

from collections.abc import Callable

from mallbots_platform.errors import Overloaded
from telemetry.metrics import Meter

LONGEST_WAIT_SECONDS = 2.0
PART_OF_PATIENCE = 0.5


class Admission:
    """To one queue, of which `expected` tells how many seconds whoever comes now would wait."""

    def __init__(self, queue: str, expected: Callable[[], float], longest: float, meter: Meter) -> None:
        self._expected = expected
        self._longest = longest
        self._refused = meter.counter("mallbots_calls_refused_total", queue=queue)

    def check(self, patience: float) -> None:
        """Raises Overloaded for a call that is given up after so many seconds."""
        wait = self._expected()
        if wait > min(self._longest, PART_OF_PATIENCE * patience):
            self._refused.inc()
            raise Overloaded(wait)
