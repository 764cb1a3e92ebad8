"""Shopping lists, the bots that shop them, and the rules both keep."""

from contexts.depot.domain.bot import Bot, BotStatus
from contexts.depot.domain.errors import (
    BotHasAShoppingList,
    BotHasNoShoppingList,
    BotIsNotThere,
    BotIsOffline,
    FewerPiecesWanted,
    ItemIsNotOnTheList,
    ShoppingIsNotDone,
    ShoppingListIsAnothers,
    ShoppingListIsCancelled,
    ShoppingListIsCompleted,
    ShoppingListIsNot,
    StoreIsClosed,
    StoreIsNotOnTheList,
)
from contexts.depot.domain.mall import Product, Store
from contexts.depot.domain.shopping_list import Item, ListStatus, ShoppingList, Stop

__all__ = [
    "Bot",
    "BotHasAShoppingList",
    "BotHasNoShoppingList",
    "BotIsNotThere",
    "BotIsOffline",
    "BotStatus",
    "FewerPiecesWanted",
    "Item",
    "ItemIsNotOnTheList",
    "ListStatus",
    "Product",
    "ShoppingIsNotDone",
    "ShoppingList",
    "ShoppingListIsAnothers",
    "ShoppingListIsCancelled",
    "ShoppingListIsCompleted",
    "ShoppingListIsNot",
    "Stop",
    "Store",
    "StoreIsClosed",
    "StoreIsNotOnTheList",
]
