from datetime import datetime

from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from mallbots_platform.messages import command


@command
class BotOnline:
    bot_id: str
    now: datetime


def bot_online(command: BotOnline, lists: ShoppingLists, bots: Bots, leases: BotLeases) -> None:
    bot = bots.get(command.bot_id)
    bot.go_online(command.now)
    bots.save(bot)
    leases.renew(bot.id)
    assign_shopping_lists(lists, bots)
