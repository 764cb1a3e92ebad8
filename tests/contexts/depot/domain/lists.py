"""Shopping lists in every state: two pieces of `p` from store `s`, one of `q` from store `t`, shopped by bot `b`."""

from contexts.depot.domain import Item, ShoppingList, Stop

STOPS = (
    Stop(store_id="s", store_name="Crafts", items=(Item(product_id="p", name="Clay", quantity=2),)),
    Stop(store_id="t", store_name="Teas", items=(Item(product_id="q", name="Assam", quantity=1),)),
)


def pending() -> ShoppingList:
    return known(ShoppingList.create("l", "o", STOPS))


def available() -> ShoppingList:
    shopping_list = pending()
    shopping_list.schedule()
    return known(shopping_list)


def assigned() -> ShoppingList:
    shopping_list = available()
    shopping_list.assign("b")
    return known(shopping_list)


def shopping(at: str = "s") -> ShoppingList:
    shopping_list = assigned()
    shopping_list.start("b")
    shopping_list.arrive("b", at)
    return known(shopping_list)


def shopping_done() -> ShoppingList:
    shopping_list = shopping()
    shopping_list.collect("b", "p", 2)
    shopping_list.arrive("b", "t")
    shopping_list.miss("b", "q", 1)
    return known(shopping_list)


def at_depot() -> ShoppingList:
    shopping_list = shopping_done()
    shopping_list.bring_back("b")
    return known(shopping_list)


def completed() -> ShoppingList:
    shopping_list = at_depot()
    shopping_list.check()
    return known(shopping_list)


def cancelled() -> ShoppingList:
    shopping_list = shopping()
    shopping_list.cancel()
    return known(shopping_list)


def known(shopping_list: ShoppingList) -> ShoppingList:
    shopping_list.saved(version=1)
    return shopping_list
