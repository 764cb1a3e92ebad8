"""An order, and the rules it keeps from checkout to hand-over."""

from contexts.ordering.domain.errors import (
    OrderIsApproved,
    OrderIsCancelled,
    OrderIsCollected,
    OrderIsCompleted,
    OrderIsNotApproved,
    OrderIsNotCompleted,
    OrderIsRejected,
)
from contexts.ordering.domain.events import Item
from contexts.ordering.domain.order import Order, Status

__all__ = [
    "Item",
    "Order",
    "OrderIsApproved",
    "OrderIsCancelled",
    "OrderIsCollected",
    "OrderIsCompleted",
    "OrderIsNotApproved",
    "OrderIsNotCompleted",
    "OrderIsRejected",
    "Status",
]
