"""A line of waiting work, in the order in which it came. Who has left is not served.

While callers leave before it is their turn, there is no use in that order: each would be served when its patience is
over. Then whoever came last goes first, and who has waited longest keeps a share of the time.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from mallbots_platform.turns import Turns

IMPATIENT_SECONDS = 1.0


class Waits(Protocol):
    def is_waited_for(self, now: float) -> bool:
        """Whether anybody still wants it done; by the monotonic clock, as all times here."""


W = TypeVar("W", bound=Waits)


class Lane(Generic[W]):
    """`on_leaving` hears of each that had left when it was its turn."""

    def __init__(self, on_leaving: Callable[[W], object] = lambda work: None) -> None:
        self._waiting: deque[W] = deque()
        self.append = self._waiting.append  # called for every piece
        self._turns = Turns()
        self._on_leaving = on_leaving
        self._left_at = -IMPATIENT_SECONDS
        self._is_impatient = self._newest_first = False

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, most: int, now: float) -> list[W]:
        """The next ones, up to so many; there may be none, for all have left."""
        self._is_impatient = now - self._left_at < IMPATIENT_SECONDS
        self._newest_first = self._is_impatient and not self._turns.is_seconds(first_waits=True, second_waits=True)
        waiting, taken = self._waiting, list[W]()
        take = waiting.pop if self._newest_first else waiting.popleft
        while waiting and len(taken) < most:
            work = take()
            if work.is_waited_for(now) or self.still_waits(work, now):
                taken.append(work)
        return taken

    def still_waits(self, work: W, now: float) -> bool:
        """It is its turn; whether it has not left."""
        if work.is_waited_for(now):
            return True
        self._left_at = now
        self._on_leaving(work)
        return False

    def give_back(self, taken: list[W]) -> None:
        """Those of the last ones that were not begun, in their order: they are the next."""
        if self._newest_first:
            self._waiting.extend(reversed(taken))
        else:
            self._waiting.extendleft(reversed(taken))

    def took(self, seconds: float) -> None:
        """The last ones are done."""
        if self._newest_first:
            self._turns.first_took(seconds, second_waited=bool(self._waiting))
        elif self._is_impatient:
            self._turns.second_took(seconds, first_waited=True)
