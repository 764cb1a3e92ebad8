"""What depot says to the other contexts, and the commands it takes from the order process."""

from contexts.depot.contract.commands import CancelShoppingList, CreateShoppingList, Item, ScheduleShopping
from contexts.depot.contract.events import (
    BotBrokeDown,
    BotWentOffline,
    BotWentOnline,
    ItemCollected,
    ItemMissing,
    ShoppingListAssigned,
    ShoppingListCancelled,
    ShoppingListCompleted,
    ShoppingListCreated,
    ShoppingListScheduled,
    ShoppingStarted,
    StoreVisited,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="depot",
    events=(
        ShoppingListCreated,
        ShoppingListScheduled,
        ShoppingListAssigned,
        ShoppingStarted,
        StoreVisited,
        ItemCollected,
        ItemMissing,
        ShoppingListCompleted,
        ShoppingListCancelled,
        BotWentOnline,
        BotWentOffline,
        BotBrokeDown,
    ),
    commands=(CreateShoppingList, ScheduleShopping, CancelShoppingList),
)

__all__ = [
    "CONTRACT",
    "BotBrokeDown",
    "BotWentOffline",
    "BotWentOnline",
    "CancelShoppingList",
    "CreateShoppingList",
    "Item",
    "ItemCollected",
    "ItemMissing",
    "ScheduleShopping",
    "ShoppingListAssigned",
    "ShoppingListCancelled",
    "ShoppingListCompleted",
    "ShoppingListCreated",
    "ShoppingListScheduled",
    "ShoppingStarted",
    "StoreVisited",
]
