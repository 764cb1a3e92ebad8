"""What is tried again when its time has come, parked messages and timers: together; after a death each alone.

All that are tried together share one note, which says up to which time they were due, and goes with their commit. Where
an earlier life has left one, each that was due by then is tried alone, with a note that names it: who has ended too
many lives is set aside.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Generic, Protocol, TypeVar

from mallbots_platform.crash_notes import CrashNotes, in_order
from mallbots_platform.crash_points import reached
from mallbots_platform.writer import Writer

LONGEST_PIECE_SECONDS = 0.02
NEVER = -1


class Due(Protocol):
    @property
    def id(self) -> object: ...
    @property
    def due_at(self) -> int: ...


D = TypeVar("D", bound=Due)


class Attempts(Protocol[D]):
    """What is done with them, in the writer's thread. `apart`: what may share a transaction."""

    def apart(self, due: list[D]) -> Iterator[list[D]]: ...
    def attempt(self, each: D) -> None: ...
    def set_aside(self, each: D, deaths: int) -> None: ...


class DueAgain(Generic[D]):
    """One lane of them. What is not tried for want of time is still due."""

    def __init__(self, lane: str, attempts: Attempts[D], notes: CrashNotes, writer: Writer) -> None:
        self._together = f"{lane} together"
        self._alone = f"{lane} alone"
        self._attempts = attempts
        self._notes = notes
        self._writer = writer

    async def attempt(self, due: list[D]) -> None:
        """In the order of their times. Raises what undid an attempt, which is made again when it is due still."""
        for some in self._attempts.apart(due):
            until = await self._writer.run(partial(self._begin, some))
            suspected = [each for each in some if each.due_at <= until]
            for each in suspected:
                await self._try_alone(each)
            if not suspected:
                await self._writer.run(partial(self._try_together, some))

    def _begin(self, due: list[D]) -> int:
        """Note how far they go; up to which time earlier lives have noted something and not got over it."""
        until = max(map(int, self._notes.left(self._together)), default=NEVER)
        if due[0].due_at <= until:
            return until
        if until != NEVER:
            self._notes.over_up_to(self._together, in_order(until))
        self._notes.note(self._together, in_order(due[-1].due_at))
        return NEVER

    def _try_together(self, due: list[D]) -> None:
        self._notes.over_up_to(self._together, in_order(due[-1].due_at))
        end = time.monotonic() + LONGEST_PIECE_SECONDS
        for each in due:
            self._attempts.attempt(each)
            if time.monotonic() > end:
                return

    async def _try_alone(self, each: D) -> None:
        async with self._notes.alone:
            deaths = await self._writer.run(partial(self._notes.note, self._alone, str(each.id)))
            reached("recover: noted")
            try:
                await self._writer.run(partial(self._try, each, deaths))
            except Exception:
                await self._writer.run(partial(self._survived, each))
                raise

    def _try(self, each: D, deaths: int) -> None:
        self._survived(each)
        if deaths >= self._notes.limit:
            self._attempts.set_aside(each, deaths)
        else:
            self._attempts.attempt(each)

    def _survived(self, each: D) -> None:
        self._notes.over([(self._alone, str(each.id))])
