from dataclasses import fields

from contexts.depot.contract import CONTRACT, Item

PINNED = {
    ("depot.ShoppingListCreated", 1): ("order_id", "shopping_list_id"),
    ("depot.ShoppingListScheduled", 1): ("order_id", "shopping_list_id"),
    ("depot.ShoppingListAssigned", 1): ("order_id", "shopping_list_id", "bot_id"),
    ("depot.ShoppingStarted", 1): ("order_id", "shopping_list_id", "bot_id"),
    ("depot.StoreVisited", 1): ("order_id", "shopping_list_id", "bot_id", "store_id"),
    ("depot.ItemCollected", 1): ("order_id", "shopping_list_id", "product_id", "quantity"),
    ("depot.ItemMissing", 1): ("order_id", "shopping_list_id", "product_id", "quantity"),
    ("depot.ShoppingListCompleted", 1): ("order_id", "shopping_list_id"),
    ("depot.ShoppingListCancelled", 1): ("order_id", "shopping_list_id"),
    ("depot.BotWentOnline", 1): ("bot_id",),
    ("depot.BotWentOffline", 1): ("bot_id",),
    ("depot.BotBrokeDown", 1): ("bot_id", "shopping_list_id"),
    ("depot.CreateShoppingList", 1): ("order_id", "items"),
    ("depot.ScheduleShopping", 1): ("order_id",),
    ("depot.CancelShoppingList", 1): ("order_id",),
}


def test_wire_names_versions_and_fields_stay() -> None:
    said = {
        (CONTRACT.wire_name(message), CONTRACT.version(message)): tuple(field.name for field in fields(message))
        for message in (*CONTRACT.events, *CONTRACT.commands)
    }

    assert said == PINNED
    assert [field.name for field in fields(Item)] == ["product_id", "store_id", "name", "store_name", "quantity"]
