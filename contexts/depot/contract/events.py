"""Published facts. Those of a shopping list are ordered by the order's id, those of a bot by the bot's."""

from mallbots_platform.messages import event


@event
class ShoppingListCreated:
    order_id: str
    shopping_list_id: str


@event
class ShoppingListScheduled:
    order_id: str
    shopping_list_id: str


@event
class ShoppingListAssigned:
    order_id: str
    shopping_list_id: str
    bot_id: str


@event
class ShoppingStarted:
    order_id: str
    shopping_list_id: str
    bot_id: str


@event
class StoreVisited:
    order_id: str
    shopping_list_id: str
    bot_id: str
    store_id: str


@event
class ItemCollected:
    order_id: str
    shopping_list_id: str
    product_id: str
    quantity: int


@event
class ItemMissing:
    """The store had `quantity` pieces fewer than wanted."""

    order_id: str
    shopping_list_id: str
    product_id: str
    quantity: int


@event
class ShoppingListCompleted:
    """The goods are at the depot, and staff have checked them."""

    order_id: str
    shopping_list_id: str


@event
class ShoppingListCancelled:
    order_id: str
    shopping_list_id: str


@event
class BotWentOnline:
    bot_id: str


@event
class BotWentOffline:
    bot_id: str


@event
class BotBrokeDown:
    """It went silent. `shopping_list_id` is the list it had, which another bot resumes; empty when it had none."""

    bot_id: str
    shopping_list_id: str
