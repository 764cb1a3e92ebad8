"""Whose turn it is where two want the same thread: the first is preferred, and the second keeps its share of the time.

What the second one is owed grows with the time that it waits; it does not pile up while it wants nothing. What it
gets while the first one wants nothing costs it nothing.
"""

LEAST_SHARE = 0.2


class Turns:
    def __init__(self, share: float = LEAST_SHARE) -> None:
        self._share = share
        self._owed = 0.0

    def is_seconds(self, first_waits: bool, second_waits: bool) -> bool:
        """Whether it is the second one's turn."""
        return second_waits and (not first_waits or self._owed > 0)

    def first_took(self, seconds: float, second_waited: bool) -> None:
        owed = self._owed + self._share * seconds
        self._owed = owed if second_waited else min(owed, 0.0)

    def second_took(self, seconds: float, first_waited: bool) -> None:
        if first_waited:
            self._owed -= (1 - self._share) * seconds
