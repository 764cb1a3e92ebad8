"""The list of orders in memory, kept to the same suite as the one in SQL."""

from collections import Counter

from contexts.ordering.application.ports import OrderSummary
from contexts.ordering.domain import Order, Status


class MemoryOrderList:
    def __init__(self) -> None:
        self.shown: dict[str, OrderSummary] = {}

    def show(self, order: Order) -> None:
        self.shown[order.id] = OrderSummary(
            order_id=order.id,
            customer_id=order.customer_id,
            status=order.status,
            total=order.total,
            currency=order.currency,
        )

    def orders(self, after: str, limit: int, status: Status | None = None) -> list[OrderSummary]:
        in_order = (self.shown[order_id] for order_id in sorted(self.shown) if order_id > after)
        return [order for order in in_order if status in (None, order.status)][:limit]

    def counts(self) -> dict[Status, int]:
        counted = Counter(order.status for order in self.shown.values())
        return {status: counted[status] for status in Status}
