"""What ordering says to the other contexts: the life of an order. Its commands stand in their takers' contracts."""

from contexts.ordering.contract.events import (
    Item,
    OrderAdjusted,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderCreated,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="ordering",
    events=(
        OrderCreated,
        OrderApproved,
        OrderRejected,
        OrderAdjusted,
        OrderReadied,
        OrderPaid,
        OrderCompleted,
        OrderCollected,
        OrderCancelled,
    ),
)

__all__ = [
    "CONTRACT",
    "Item",
    "OrderAdjusted",
    "OrderApproved",
    "OrderCancelled",
    "OrderCollected",
    "OrderCompleted",
    "OrderCreated",
    "OrderPaid",
    "OrderReadied",
    "OrderRejected",
]
