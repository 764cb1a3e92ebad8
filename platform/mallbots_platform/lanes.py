"""What waits for the writer's thread, in two lanes: what somebody waits for now, and what catches up.

The first one is preferred; what catches up keeps a share of the time. How long things take is measured, so that it can
be said how long something would wait that comes now.
"""

import queue
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from mallbots_platform.lane import Lane, Waits
from mallbots_platform.pace import Pace
from mallbots_platform.turns import LEAST_SHARE, Turns


class Work(Waits, Protocol):
    catches_up: bool


W = TypeVar("W", bound=Work)


class Lanes(Generic[W]):
    """`put` and `close` are for the one thread that wants something, `take`, `give_back` and `took` for the one that
    works."""

    def __init__(self, on_leaving: Callable[[W], object] = lambda work: None) -> None:
        self._came: queue.SimpleQueue[W | None] = queue.SimpleQueue()
        self._now = Lane[W](on_leaving)
        self._later = Lane[W](on_leaving)
        self._lane = self._now
        self._others_wait = False
        self._turns = Turns()
        self._closed = False
        self._asked = self._done = 0
        self._pace = Pace()

    def put(self, work: W) -> None:
        self._asked += not work.catches_up
        self._came.put(work)

    def close(self) -> None:
        """What has come by then is still served."""
        self._came.put(None)

    def qsize(self) -> int:
        return self._came.qsize() + len(self._now) + len(self._later)

    @property
    def expected_seconds(self) -> float:
        """Until what comes now would be done, as things went lately; 0 where nothing is before it. Any thread."""
        ahead = max(0, self._asked - self._done)
        return ahead * self._pace.seconds / (1 - LEAST_SHARE if self._later else 1)

    def take(self, most: int) -> list[W]:
        """The next ones of one lane, up to so many. Waits until there are some; none when it was closed and all is
        done."""
        while self._wait():
            is_later = self._turns.is_seconds(bool(self._now), bool(self._later))
            self._lane = self._later if is_later else self._now
            self._others_wait = bool(self._now if is_later else self._later)
            before = len(self._lane)
            taken = self._lane.take(most, time.monotonic())
            self._forget(before - len(self._lane) - len(taken))
            if taken:
                return taken
        return []

    def still_waits(self, work: W, now: float) -> bool:
        """It is its turn; whether it has not left."""
        return self._lane.still_waits(work, now)

    def give_back(self, taken: list[W]) -> None:
        """Those of the last ones that were not begun."""
        self._lane.give_back(taken)

    def took(self, pieces: int, seconds: float) -> None:
        """The last ones, so many of them, are done."""
        self._lane.took(seconds)
        if self._lane is self._later:
            return self._turns.second_took(seconds, first_waited=self._others_wait)
        self._turns.first_took(seconds, second_waited=self._others_wait)
        self._forget(pieces)
        self._pace.took(pieces, seconds)

    def _forget(self, pieces: int) -> None:
        if self._lane is self._now:
            self._done += pieces

    def _wait(self) -> bool:
        """False: nothing is left, and nothing will come."""
        self._sort()
        while not (self._now or self._later):
            if self._closed:
                return False
            self._keep(self._came.get())
            self._sort()
        return True

    def _sort(self) -> None:
        next_one, keep = self._came.get_nowait, self._now.append
        with suppress(queue.Empty):
            while True:
                work = next_one()
                if work is None or work.catches_up:
                    self._keep(work)
                else:
                    keep(work)

    def _keep(self, work: W | None) -> None:
        if work is None:
            self._closed = True
        else:
            (self._later if work.catches_up else self._now).append(work)
