"""What of the own events the other contexts get to know."""

from collections.abc import Iterator

from contexts.depot import contract
from contexts.depot.domain import Bot, ShoppingList, bot, shopping_list


def published_events(source: object, event: object) -> Iterator[object]:
    match source:
        case ShoppingList():
            yield from _of_list(source, event)
        case Bot():
            yield from _of_bot(source, event)


def _of_list(source: ShoppingList, event: object) -> Iterator[object]:
    order_id, list_id = source.order_id, source.id
    match event:
        case shopping_list.Created():
            yield contract.ShoppingListCreated(order_id=order_id, shopping_list_id=list_id)
        case shopping_list.Scheduled():
            yield contract.ShoppingListScheduled(order_id=order_id, shopping_list_id=list_id)
        case shopping_list.Assigned(bot_id=bot_id):
            yield contract.ShoppingListAssigned(order_id=order_id, shopping_list_id=list_id, bot_id=bot_id)
        case shopping_list.Started(bot_id=bot_id):
            yield contract.ShoppingStarted(order_id=order_id, shopping_list_id=list_id, bot_id=bot_id)
        case shopping_list.Visited(bot_id=bot_id, store_id=store_id):
            yield contract.StoreVisited(order_id=order_id, shopping_list_id=list_id, bot_id=bot_id, store_id=store_id)
        case shopping_list.Collected(product_id=product_id, quantity=quantity):
            yield contract.ItemCollected(
                order_id=order_id, shopping_list_id=list_id, product_id=product_id, quantity=quantity
            )
        case shopping_list.Missed(product_id=product_id, quantity=quantity):
            yield contract.ItemMissing(
                order_id=order_id, shopping_list_id=list_id, product_id=product_id, quantity=quantity
            )
        case shopping_list.Completed():
            yield contract.ShoppingListCompleted(order_id=order_id, shopping_list_id=list_id)
        case shopping_list.Cancelled():
            yield contract.ShoppingListCancelled(order_id=order_id, shopping_list_id=list_id)


def _of_bot(source: Bot, event: object) -> Iterator[object]:
    match event:
        case bot.WentOnline():
            yield contract.BotWentOnline(bot_id=source.id)
        case bot.WentOffline():
            yield contract.BotWentOffline(bot_id=source.id)
        case bot.BrokeDown(shopping_list_id=list_id):
            yield contract.BotBrokeDown(bot_id=source.id, shopping_list_id=list_id)
