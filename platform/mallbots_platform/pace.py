"""How long a piece of work takes, as things went lately."""

LATELY = 0.8


class Pace:
    def __init__(self) -> None:
        self._pieces = self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """A piece; 0 before the first one."""
        return self._seconds / self._pieces if self._pieces else 0.0

    def took(self, pieces: int, seconds: float) -> None:
        """What they took together; each such news counts more than all before it do after a few more."""
        self._pieces = LATELY * self._pieces + pieces
        self._seconds = LATELY * self._seconds + seconds
