"""A basket, the goods that may be put into it, and the rules it keeps."""

from contexts.baskets.domain.basket import Basket, Item, Status
from contexts.baskets.domain.errors import (
    BasketHasAnotherCurrency,
    BasketHasNoItems,
    BasketIsAbandoned,
    BasketIsCancelled,
    BasketIsCheckedOut,
    BasketIsFull,
    FewerPiecesInBasket,
    ProductIsNotInBasket,
    ProductIsRemoved,
    StoreDoesNotParticipate,
    StoreIsClosed,
)
from contexts.baskets.domain.goods import Product, Store

__all__ = [
    "Basket",
    "BasketHasAnotherCurrency",
    "BasketHasNoItems",
    "BasketIsAbandoned",
    "BasketIsCancelled",
    "BasketIsCheckedOut",
    "BasketIsFull",
    "FewerPiecesInBasket",
    "Item",
    "Product",
    "ProductIsNotInBasket",
    "ProductIsRemoved",
    "Status",
    "Store",
    "StoreDoesNotParticipate",
    "StoreIsClosed",
]
