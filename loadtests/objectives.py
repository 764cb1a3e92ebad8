"""What a run has to reach: every threshold of the load tests stands here, and nowhere else."""

from dataclasses import dataclass

from loadtests.record import APPROVED, CHECKOUT, PLACED, READY


@dataclass(frozen=True, slots=True)
class Objective:
    """So many percent of a series take no longer than so many seconds, from when they should have begun."""

    series: str
    percent: int
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.series} p{self.percent} ≤ {self.seconds:g} s"


OBJECTIVES = (
    Objective(CHECKOUT, 95, 0.25),
    Objective(CHECKOUT, 99, 1.0),
    Objective(PLACED, 95, 1.0),
    Objective(PLACED, 99, 2.5),
    Objective(APPROVED, 95, 1.0),
    Objective(APPROVED, 99, 2.5),
    Objective(READY, 95, 5.0),
    Objective(READY, 99, 10.0),
)

# Of all calls. A refusal is no failure: it is what the mall has to say.
MOST_FAILED_CALLS = 0.001

# For 99 of 100 customers. If they wait longer at the door, Locust is too slow or its crowd too small.
LATEST_START_SECONDS = 0.5

# Locust's processor time as a share of the mall's: what watches must not be what costs.
MOST_SHARE_OF_CPU = 1.0

# After a fault, until all is as good as before.
RECOVERY_SECONDS = 10.0

# After the last customer, until all that was said is handled.
SETTLE_SECONDS = 60.0

# Of the mall's processes together, from the second quarter of a soak to its last.
MOST_MEMORY_GROWTH = 1.25
