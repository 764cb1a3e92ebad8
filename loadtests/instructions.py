"""What the Locust process is told, as its one argument."""

from collections.abc import Mapping

import msgspec

CUSTOMERS_PER_ROBOT = 3
CUSTOMERS_PER_CLERK = 15
FEWEST_ROBOTS, MOST_ROBOTS = 3, 40


class Instructions(msgspec.Struct, frozen=True, kw_only=True):
    """With a `rate`, customers come whether or not earlier ones are done, at most `users` of them in the mall at once;
    without, `users` come again and again. `addresses` are those of the contexts' APIs. `page` is where Locust shows
    itself, `metrics` where Prometheus finds it: nowhere, when they are empty. Customers who are in the mall in the end
    may stay for `patience_seconds`."""

    addresses: Mapping[str, str]
    shape: str
    seconds: float
    rate: float
    users: int
    seed: int
    page: str = ""
    metrics: str = ""
    patience_seconds: float = 120.0

    @property
    def is_open(self) -> bool:
        return self.rate > 0

    @property
    def robots(self) -> int:
        """Enough for the highest load."""
        busy = self.rate if self.is_open else self.users
        return int(min(MOST_ROBOTS, FEWEST_ROBOTS + busy // CUSTOMERS_PER_ROBOT))

    @property
    def clerks(self) -> int:
        return int(1 + (self.rate if self.is_open else self.users) // CUSTOMERS_PER_CLERK)


def as_argument(instructions: Instructions) -> str:
    return msgspec.json.encode(instructions).decode()


def from_argument(text: str) -> Instructions:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Instructions)
