"""Whose attempts the connection to the database does not survive: a victim now and then, or the reason.

What was undone with its transaction is suspected, and tried alone from then on. After a few more attempts that ended
the same way, while the database was there for each of them, it is no accident: that counts as a failed attempt. Kept
in memory only: whoever comes later starts to count anew.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from mallbots_platform.errors import DatabaseAway, PlatformError, words_of
from telemetry.metrics import Meter

UNDONE_ALONE = 3
MOST = 1000
T = TypeVar("T")


class LosesConnection(PlatformError):
    """Each of the last attempts was undone with its connection to the database."""


class Suspects:
    """Of one group. What is suspected is named by where it stands, such as stream and number."""

    def __init__(self, group: str, meter: Meter) -> None:
        self._undone: dict[tuple[Hashable, ...], int] = {}
        self._last: dict[tuple[Hashable, ...], DatabaseAway] = {}
        self._accused = meter.counter("mallbots_attempts_undone_total", group=group)
        self._blamed = meter.counter("mallbots_attempts_blamed_total", group=group)

    def accuse(self, error: DatabaseAway, *what: Hashable) -> None:
        """An attempt at it has ended with this. Forgets the oldest of too many."""
        self._accused.inc()
        self._undone[what] = self._undone.pop(what, 0) + 1
        self._last[what] = error
        if len(self._undone) > MOST:
            self.acquit(*next(iter(self._undone)))

    def acquit(self, *what: Hashable) -> None:
        """An attempt at it was made, and the connection was still there."""
        if self._undone:
            self._undone.pop(what, None)
            self._last.pop(what, None)

    def verdict(self, *what: Hashable) -> LosesConnection | None:
        """Why an attempt is to be counted as failed instead of being made. The next one is made, and has no more
        patience with it."""
        if not self._undone or self._undone.get(what, 0) <= UNDONE_ALONE:
            return None
        undone, last = self._undone[what], self._last[what]
        self._undone[what] = UNDONE_ALONE
        self._blamed.inc()
        failure = LosesConnection(f"undone {undone} times with its connection, at last since {words_of(last)}")
        failure.__cause__ = last
        return failure

    def apart(self, things: list[T], names: Iterable[tuple[Hashable, ...]]) -> Iterator[list[T]]:
        """What may be tried together: all of it, but each suspect alone."""
        if not self._undone:
            yield things
            return
        together: list[T] = []
        for thing, name in zip(things, names, strict=True):
            if name in self._undone:
                yield from ([together] if together else [])
                yield [thing]
                together = []
            else:
                together.append(thing)
        if together:
            yield together
