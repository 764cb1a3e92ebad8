from contexts.depot.application.ports import BotLeases, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class CollectItem:
    bot_id: str
    shopping_list_id: str
    product_id: str
    quantity: int


def collect_item(command: CollectItem, lists: ShoppingLists, leases: BotLeases) -> ShoppingList:
    shopping_list = lists.get(command.shopping_list_id)
    shopping_list.collect(command.bot_id, command.product_id, command.quantity)
    lists.save(shopping_list)
    leases.renew(command.bot_id)
    return shopping_list
