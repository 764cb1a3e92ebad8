from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import Bots, ShoppingLists
from contexts.depot.contract import ScheduleShopping
from mallbots_platform.errors import NotFound


def schedule_shopping(command: ScheduleShopping, lists: ShoppingLists, bots: Bots) -> None:
    shopping_list = lists.of_order(command.order_id)
    if shopping_list is None:
        raise NotFound("shopping list of order", command.order_id)
    shopping_list.schedule()
    lists.save(shopping_list)
    assign_shopping_lists(lists, bots)
