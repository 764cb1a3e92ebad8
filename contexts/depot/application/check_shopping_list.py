from contexts.depot.application.ports import ShoppingLists
from mallbots_platform.messages import command


@command
class CheckShoppingList:
    shopping_list_id: str


def check_shopping_list(command: CheckShoppingList, lists: ShoppingLists) -> None:
    shopping_list = lists.get(command.shopping_list_id)
    shopping_list.check()
    lists.save(shopping_list)
