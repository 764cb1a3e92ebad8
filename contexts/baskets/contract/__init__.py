"""What baskets says to the other contexts: how a basket begins and ends."""

from contexts.baskets.contract.events import (
    BasketAbandoned,
    BasketCancelled,
    BasketCheckedOut,
    BasketStarted,
    Item,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="baskets",
    events=(BasketStarted, BasketCheckedOut, BasketCancelled, BasketAbandoned),
)

__all__ = [
    "CONTRACT",
    "BasketAbandoned",
    "BasketCancelled",
    "BasketCheckedOut",
    "BasketStarted",
    "Item",
]
