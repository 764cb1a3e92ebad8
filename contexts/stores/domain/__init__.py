"""A store of the mall, a product of a store, and the rules both keep."""

from contexts.stores.domain.errors import (
    PriceIsNotHigher,
    PriceIsNotLower,
    ProductIsRemoved,
    SkuIsTaken,
    StoreDoesNotParticipate,
    StoreIsClosed,
    StoreParticipatesAlready,
)
from contexts.stores.domain.product import Product
from contexts.stores.domain.store import Store

__all__ = [
    "PriceIsNotHigher",
    "PriceIsNotLower",
    "Product",
    "ProductIsRemoved",
    "SkuIsTaken",
    "Store",
    "StoreDoesNotParticipate",
    "StoreIsClosed",
    "StoreParticipatesAlready",
]
