from collections.abc import Callable

from contexts.depot.application.ports import ShoppingLists, Stores
from contexts.depot.contract import CreateShoppingList
from contexts.depot.domain import Item, ShoppingList, Stop


def create_shopping_list(
    command: CreateShoppingList, lists: ShoppingLists, stores: Stores, new_id: Callable[[], str]
) -> dict[str, str]:
    """The list's id, the same when the order has one already."""
    shopping_list = lists.of_order(command.order_id)
    if shopping_list is None:
        stops = _stops(command)
        for stop in stops:
            if store := stores.find(stop.store_id):
                store.must_be_open()
        shopping_list = ShoppingList.create(new_id(), command.order_id, stops)
        lists.add(shopping_list)
    shopping_list.must_not_be_cancelled()
    return {"shopping_list_id": shopping_list.id}


def _stops(command: CreateShoppingList) -> tuple[Stop, ...]:
    """One for each store, in the order in which the goods were chosen."""
    names = {item.store_id: item.store_name for item in command.items}
    return tuple(
        Stop(
            store_id=store_id,
            store_name=name,
            items=tuple(
                Item(product_id=item.product_id, name=item.name, quantity=item.quantity)
                for item in command.items
                if item.store_id == store_id
            ),
        )
        for store_id, name in names.items()
    )
