"""An order of two products, and how it comes into each of its states."""

from contexts.ordering.domain import Item, Status
from contexts.ordering.domain.events import (
    GoodsArrived,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderCreated,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)

CLAY = Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500)
ASSAM = Item(product_id="assam", store_id="teas", name="Assam", store_name="Teas of the World", quantity=1, price=1250)
CREATED = OrderCreated(customer_id="ada", payment_id="pay", items=(CLAY, ASSAM), currency="EUR")
APPROVED = OrderApproved(shopping_list_id="list")
HISTORIES: dict[str, tuple[object, ...]] = {
    "pending": (CREATED,),
    "pending, goods there": (CREATED, GoodsArrived()),
    "approved": (CREATED, APPROVED),
    "ready": (CREATED, APPROVED, OrderReadied()),
    "paid": (CREATED, APPROVED, OrderPaid()),
    "completed": (CREATED, APPROVED, OrderReadied(), OrderPaid(), OrderCompleted()),
    "collected": (CREATED, APPROVED, OrderPaid(), OrderReadied(), OrderCompleted(), OrderCollected()),
    "rejected": (CREATED, OrderRejected(reason="payment declined")),
    "cancelled": (CREATED, APPROVED, OrderCancelled(reason="changed my mind")),
}
STATUSES = {
    "pending": Status.PENDING,
    "pending, goods there": Status.PENDING,
    "approved": Status.APPROVED,
    "ready": Status.READY,
    "paid": Status.PAID,
    "completed": Status.COMPLETED,
    "collected": Status.COLLECTED,
    "rejected": Status.REJECTED,
    "cancelled": Status.CANCELLED,
}
