from datetime import datetime

from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from mallbots_platform.messages import command


@command
class ReturnToDepot:
    bot_id: str
    shopping_list_id: str
    now: datetime


def return_to_depot(command: ReturnToDepot, lists: ShoppingLists, bots: Bots, leases: BotLeases) -> None:
    bot, shopping_list = bots.get(command.bot_id), lists.get(command.shopping_list_id)
    shopping_list.bring_back(bot.id)
    bot.be_free(command.now)
    lists.save(shopping_list)
    bots.save(bot)
    leases.renew(bot.id)
    assign_shopping_lists(lists, bots)
