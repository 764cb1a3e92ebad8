from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class ArriveAtStore:
    bot_id: str
    shopping_list_id: str
    store_id: str


def arrive_at_store(command: ArriveAtStore, lists: ShoppingLists, bots: Bots, leases: BotLeases) -> ShoppingList:
    bot, shopping_list = bots.get(command.bot_id), lists.get(command.shopping_list_id)
    shopping_list.arrive(bot.id, command.store_id)
    lists.save(shopping_list)
    leases.renew(bot.id)
    return shopping_list
