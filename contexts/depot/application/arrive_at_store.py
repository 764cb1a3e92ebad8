from contexts.depot.application.ports import BotLeases, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class ArriveAtStore:
    bot_id: str
    shopping_list_id: str
    store_id: str


def arrive_at_store(command: ArriveAtStore, lists: ShoppingLists, leases: BotLeases) -> ShoppingList:
    shopping_list = lists.get(command.shopping_list_id)
    shopping_list.arrive(command.bot_id, command.store_id)
    lists.save(shopping_list)
    leases.renew(command.bot_id)
    return shopping_list
