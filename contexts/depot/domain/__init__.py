"""Shopping lists, the bots that shop them, and the rules both keep."""

from contexts.depot.domain.bot import Bot, BotStatus
from contexts.depot.domain.errors import (
    BotHasAShoppingList,
    BotIsNotThere,
    BotIsOffline,
    BotIsOnline,
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
from contexts.depot.domain.shopping_list import Item, ListStatus, ShoppingList, Stop
from contexts.depot.domain.store import Store

__all__ = [
    "Bot",
    "BotHasAShoppingList",
    "BotIsNotThere",
    "BotIsOffline",
    "BotIsOnline",
    "BotStatus",
    "FewerPiecesWanted",
    "Item",
    "ItemIsNotOnTheList",
    "ListStatus",
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
