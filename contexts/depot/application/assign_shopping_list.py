from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.application.ports import BotLeases, Bots, ShoppingLists
from contexts.depot.domain import ShoppingList
from mallbots_platform.messages import command


@command
class AssignShoppingList:
    bot_id: str


def assign_shopping_list(
    command: AssignShoppingList, lists: ShoppingLists, bots: Bots, leases: BotLeases
) -> ShoppingList | None:
    """The list that the bot has now, if there is one for it."""
    bots.get(command.bot_id).must_be_online()
    leases.renew(command.bot_id)
    assign_shopping_lists(lists, bots)
    bot = bots.get(command.bot_id)
    return lists.get(bot.shopping_list_id) if bot.shopping_list_id else None
