"""Oldest available list to the longest idle bot, until one of the two runs out."""

from contexts.depot.application.ports import Bots, ShoppingLists


def assign_shopping_lists(lists: ShoppingLists, bots: Bots) -> None:
    while (bot := bots.longest_idle()) and (shopping_list := lists.oldest_available()):
        shopping_list.assign(bot.id)
        bot.take(shopping_list.id)
        lists.save(shopping_list)
        bots.save(bot)
