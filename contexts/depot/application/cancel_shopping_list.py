from collections.abc import Callable
from datetime import datetime

from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import Bots, ShoppingLists
from contexts.depot.contract import CancelShoppingList
from contexts.depot.domain import ListStatus
from mallbots_platform.errors import NotFound


def cancel_shopping_list(
    command: CancelShoppingList, lists: ShoppingLists, bots: Bots, now: Callable[[], datetime]
) -> None:
    """Raises NotFound where there is nothing to be cancelled, or nothing any more: the goods are there."""
    shopping_list = lists.of_order(command.order_id)
    if shopping_list is None:
        raise NotFound("shopping list of order", command.order_id)
    if shopping_list.status is ListStatus.COMPLETED:
        raise NotFound("open shopping list of order", command.order_id)
    freed = shopping_list.cancel()
    lists.save(shopping_list)
    if freed:
        bot = bots.get(freed)
        bot.be_free(now())
        bots.save(bot)
        assign_shopping_lists(lists, bots)
