from collections.abc import Callable

from contexts.depot.application.ports import ShoppingLists, Stores
from contexts.depot.contract import CreateShoppingList
from contexts.depot.contract import Item as Wanted
from contexts.depot.domain import Item, ShoppingList, Stop


def create_shopping_list(
    command: CreateShoppingList, lists: ShoppingLists, stores: Stores, new_id: Callable[[], str]
) -> dict[str, str]:
    """The list's id, the same when the order has one already."""
    shopping_list = lists.of_order(command.order_id)
    if shopping_list is None:
        stops = _stops(command)
        for store in stores.among({stop.store_id for stop in stops}).values():
            store.must_be_open()
        shopping_list = ShoppingList.create(new_id(), command.order_id, stops)
        lists.add(shopping_list)
    return {"shopping_list_id": shopping_list.id}


def _stops(command: CreateShoppingList) -> tuple[Stop, ...]:
    """One for each store, in the order in which the goods were chosen."""
    names = {item.store_id: item.store_name for item in command.items}
    of_store: dict[str, dict[str, Item]] = {store_id: {} for store_id in names}
    for wanted in command.items:
        items = of_store[wanted.store_id]
        items[wanted.product_id] = _item(wanted, items.get(wanted.product_id))
    return tuple(
        Stop(store_id=store_id, store_name=names[store_id], items=tuple(items.values()))
        for store_id, items in of_store.items()
    )


def _item(wanted: Wanted, chosen_before: Item | None) -> Item:
    before = chosen_before.quantity if chosen_before else 0
    return Item(product_id=wanted.product_id, name=wanted.name, quantity=before + wanted.quantity)
