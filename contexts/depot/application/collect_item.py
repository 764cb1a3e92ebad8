from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class CollectItem:
    bot_id: str
    shopping_list_id: str
    product_id: str
    quantity: int


def collect_item(command: CollectItem, lists: ShoppingLists, bots: Bots, leases: BotLeases) -> ShoppingList:
    bot, shopping_list = bots.get(command.bot_id), lists.get(command.shopping_list_id)
    shopping_list.collect(bot.id, command.product_id, command.quantity)
    lists.save(shopping_list)
    leases.renew(bot.id)
    return shopping_list
