from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class StartShopping:
    bot_id: str
    shopping_list_id: str


def start_shopping(command: StartShopping, lists: ShoppingLists, bots: Bots, leases: BotLeases) -> ShoppingList:
    bot, shopping_list = bots.get(command.bot_id), lists.get(command.shopping_list_id)
    shopping_list.start(bot.id)
    lists.save(shopping_list)
    leases.renew(bot.id)
    return shopping_list
