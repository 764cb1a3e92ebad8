"""An order: created, vetted, shopped for and paid in either order, handed over; or rejected, or cancelled."""

from dataclasses import replace
from enum import StrEnum
from typing import Self

from contexts.ordering.domain.errors import (
    OrderIsApproved,
    OrderIsCancelled,
    OrderIsCollected,
    OrderIsCompleted,
    OrderIsNotApproved,
    OrderIsNotCompleted,
    OrderIsRejected,
)
from contexts.ordering.domain.events import (
    GoodsArrived,
    Item,
    ItemReduced,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)
from mallbots_platform.aggregates import Aggregate
from mallbots_platform.errors import RuleViolated

NOTHING_LEFT = "none of its goods could be had"


class Status(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    READY = "ready"
    PAID = "paid"
    COMPLETED = "completed"
    COLLECTED = "collected"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


_REFUSALS: dict[Status, type[RuleViolated]] = {
    Status.PENDING: OrderIsNotApproved,
    Status.APPROVED: OrderIsApproved,
    Status.READY: OrderIsApproved,
    Status.PAID: OrderIsApproved,
    Status.COMPLETED: OrderIsCompleted,
    Status.COLLECTED: OrderIsCollected,
    Status.REJECTED: OrderIsRejected,
    Status.CANCELLED: OrderIsCancelled,
}


class Order(Aggregate):
    customer_id: str = ""
    payment_id: str = ""
    shopping_list_id: str = ""
    items: tuple[Item, ...] = ()
    currency: str = ""
    status: Status = Status.PENDING
    goods_arrived: bool = False
    reason: str = ""

    @classmethod
    def create(cls, order_id: str, customer_id: str, payment_id: str, items: tuple[Item, ...], currency: str) -> Self:
        order = cls(id=order_id)
        order.record(OrderCreated(customer_id=customer_id, payment_id=payment_id, items=items, currency=currency))
        return order

    def approve(self, shopping_list_id: str) -> None:
        self._must_be(Status.PENDING)
        self.record(OrderApproved(shopping_list_id=shopping_list_id))
        if self.goods_arrived:
            self.record(OrderReadied())

    def reject(self, reason: str) -> None:
        self._must_be(Status.PENDING)
        self.record(OrderRejected(reason=reason))

    def reduce(self, product_id: str, quantity: int) -> None:
        """Pieces could not be had. An order of which nothing is left is cancelled."""
        self._must_be(Status.PENDING, Status.APPROVED, Status.PAID)
        held = next((item.quantity for item in self.items if item.product_id == product_id), 0)
        if held == 0:
            return
        self.record(ItemReduced(product_id=product_id, quantity=min(quantity, held)))
        if not self.items:
            self.record(OrderCancelled(reason=NOTHING_LEFT))

    def mark_ready(self) -> None:
        self._must_be(Status.PENDING, Status.APPROVED, Status.PAID)
        if self.status is Status.PENDING:
            self.record(GoodsArrived())
            return
        self.record(OrderReadied())
        if self.status is Status.COMPLETED:
            self.record(OrderCompleted())

    def mark_paid(self) -> None:
        self._must_be(Status.APPROVED, Status.READY)
        self.record(OrderPaid())
        if self.status is Status.COMPLETED:
            self.record(OrderCompleted())

    def hand_over(self) -> None:
        if self.status in (Status.APPROVED, Status.READY, Status.PAID):
            raise OrderIsNotCompleted(self.id)
        self._must_be(Status.COMPLETED)
        self.record(OrderCollected())

    def cancel(self, reason: str) -> None:
        self._must_be(Status.PENDING, Status.APPROVED, Status.READY, Status.PAID)
        self.record(OrderCancelled(reason=reason))

    @property
    def is_over(self) -> bool:
        """Rejected or cancelled: what is still heard of it changes nothing."""
        return self.status in (Status.REJECTED, Status.CANCELLED)

    @property
    def total(self) -> int:
        return sum(item.quantity * item.price for item in self.items)

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise _REFUSALS[self.status](self.id)

    def apply(self, event: OrderEvent) -> None:
        match event:
            case OrderCreated():
                self.customer_id, self.payment_id = event.customer_id, event.payment_id
                self.items, self.currency = event.items, event.currency
            case OrderApproved(shopping_list_id=shopping_list_id):
                self.status, self.shopping_list_id = Status.APPROVED, shopping_list_id
            case OrderRejected(reason=reason):
                self.status, self.reason = Status.REJECTED, reason
            case ItemReduced(product_id=product_id, quantity=quantity):
                self._take_out(product_id, quantity)
            case GoodsArrived():
                self.goods_arrived = True
            case OrderReadied():
                self.status = Status.COMPLETED if self.status is Status.PAID else Status.READY
            case OrderPaid():
                self.status = Status.COMPLETED if self.status is Status.READY else Status.PAID
            case OrderCompleted():
                self.status = Status.COMPLETED
            case OrderCollected():
                self.status = Status.COLLECTED
            case OrderCancelled(reason=reason):
                self.status, self.reason = Status.CANCELLED, reason

    def _take_out(self, product_id: str, quantity: int) -> None:
        fewer = (
            replace(item, quantity=item.quantity - quantity) if item.product_id == product_id else item
            for item in self.items
        )
        self.items = tuple(item for item in fewer if item.quantity > 0)
