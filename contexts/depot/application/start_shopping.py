from contexts.depot.application.ports import BotLeases, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class StartShopping:
    bot_id: str
    shopping_list_id: str


def start_shopping(command: StartShopping, lists: ShoppingLists, leases: BotLeases) -> ShoppingList:
    shopping_list = lists.get(command.shopping_list_id)
    shopping_list.start(command.bot_id)
    lists.save(shopping_list)
    leases.renew(command.bot_id)
    return shopping_list
