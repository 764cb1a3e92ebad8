"""What stores says to the other contexts: the life of its stores and products."""

from contexts.stores.contract.events import (
    ProductAdded,
    ProductPriceChanged,
    ProductRebranded,
    ProductRemoved,
    StoreClosed,
    StoreOpened,
    StoreParticipationDisabled,
    StoreParticipationEnabled,
    StoreRebranded,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="stores",
    events=(
        StoreOpened,
        StoreRebranded,
        StoreParticipationEnabled,
        StoreParticipationDisabled,
        StoreClosed,
        ProductAdded,
        ProductRebranded,
        ProductPriceChanged,
        ProductRemoved,
    ),
)

__all__ = [
    "CONTRACT",
    "ProductAdded",
    "ProductPriceChanged",
    "ProductRebranded",
    "ProductRemoved",
    "StoreClosed",
    "StoreOpened",
    "StoreParticipationDisabled",
    "StoreParticipationEnabled",
    "StoreRebranded",
]
