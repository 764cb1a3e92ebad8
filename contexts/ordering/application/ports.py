"""What the use cases need from outside, named for its role."""

from collections.abc import Sequence
from typing import Protocol

from contexts.ordering.domain import Order, Status
from mallbots_platform.messages import value


class Orders(Protocol):
    def get(self, id: str) -> Order:
        """Raises `NotFound`."""

    def add(self, thing: Order) -> None:
        """Raises `AlreadyExists`."""

    def save(self, thing: Order) -> None: ...


@value
class OrderSummary:
    order_id: str
    customer_id: str
    status: Status
    total: int
    currency: str


class OrderList(Protocol):
    """All orders at a glance, as of the last commit. Lists go by id, from behind `after`."""

    def show(self, order: Order) -> None: ...
    def orders(self, after: str, limit: int, status: Status | None = None) -> Sequence[OrderSummary]: ...
    def counts(self) -> dict[Status, int]:
        """Every status is listed."""
