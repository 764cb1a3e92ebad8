"""A bot was silent for too long: it is offline, and another one resumes what it had begun."""

from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import Bots, ShoppingLists
from mallbots_platform.messages import command


@command
class GiveUpOnBot:
    bot_id: str


def give_up_on_bot(command: GiveUpOnBot, lists: ShoppingLists, bots: Bots) -> None:
    bot = bots.get(command.bot_id)
    if not bot.is_online:
        return
    left = bot.break_down()
    bots.save(bot)
    if left:
        shopping_list = lists.get(left)
        shopping_list.lose_bot(bot.id)
        lists.save(shopping_list)
        assign_shopping_lists(lists, bots)
