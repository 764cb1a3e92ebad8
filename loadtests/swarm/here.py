"""What all simulated people of the process share."""

from collections import deque
from dataclasses import dataclass, field

from loadtests.instructions import Instructions
from loadtests.swarm.goods import Goods
from loadtests.swarm.mall import Mall
from loadtests.swarm.recorder import Recorder
from mallbots.actors.shelves import Shelves


@dataclass(slots=True)
class Here:
    """`due`: when those should have begun their visit who have just come, on the clock of `time.perf_counter`."""

    instructions: Instructions
    mall: Mall
    goods: Goods
    recorder: Recorder
    shelves: Shelves = field(default_factory=Shelves)
    due: deque[float] = field(default_factory=deque)
    visits: int = 0
    visitors: int = 0
    is_closing: bool = False

    @property
    def crowd(self) -> int:
        """Customers in the mall, and at its door."""
        return self.visitors + len(self.due)

    @property
    def is_over(self) -> bool:
        """Nobody is in the mall any more, and nobody will come."""
        return self.is_closing and not self.crowd
