from collections.abc import Callable

import pytest

from contexts.depot.domain import (
    BotIsNotThere,
    FewerPiecesWanted,
    Item,
    ItemIsNotOnTheList,
    ListStatus,
    ShoppingIsNotDone,
    ShoppingList,
    ShoppingListIsAnothers,
    Stop,
    StoreIsNotOnTheList,
)
from contexts.depot.domain.shopping_list import (
    Assigned,
    Cancelled,
    Collected,
    Completed,
    Created,
    Missed,
    Scheduled,
    Started,
    Visited,
)
from tests.contexts.depot.domain.lists import (
    at_depot,
    available,
    completed,
    pending,
    shopping,
    shopping_done,
)


def items_of(shopping_list: ShoppingList) -> dict[str, tuple[int, int, int]]:
    """Collected, missing and left, of each product."""
    items = (item for stop in shopping_list.stops for item in stop.items)
    return {item.product_id: (item.collected, item.missing, item.left) for item in items}


def test_a_new_list_is_pending_and_speaks_for_its_order() -> None:
    stops = (Stop(store_id="s", store_name="Crafts", items=(Item(product_id="p", name="Clay", quantity=2),)),)

    created = ShoppingList.create("l", "o", stops)

    assert created.recorded == (Created(),)
    assert (created.status, created.order_id, created.stops) == (ListStatus.PENDING, "o", stops)
    assert (created.key, created.correlation_id) == ("o", "o")


def test_a_list_goes_from_pending_to_completed() -> None:
    shopping_list = pending()

    shopping_list.schedule()
    shopping_list.assign("b")
    shopping_list.start("b")
    shopping_list.arrive("b", "s")
    shopping_list.collect("b", "p", 2)
    shopping_list.arrive("b", "t")
    shopping_list.miss("b", "q", 1)
    shopping_list.bring_back("b")
    shopping_list.check()

    assert shopping_list.recorded == (
        Scheduled(),
        Assigned(bot_id="b"),
        Started(bot_id="b"),
        Visited(bot_id="b", store_id="s"),
        Collected(product_id="p", quantity=2),
        Visited(bot_id="b", store_id="t"),
        Missed(product_id="q", quantity=1),
        Completed(),
    )
    assert shopping_list.status is ListStatus.COMPLETED


def test_pieces_may_be_collected_one_by_one() -> None:
    shopping_list = shopping()

    shopping_list.collect("b", "p", 1)
    shopping_list.miss("b", "p", 1)

    assert items_of(shopping_list) == {"p": (1, 1, 0), "q": (0, 0, 1)}
    assert [stop.is_done for stop in shopping_list.stops] == [True, False]


@pytest.mark.parametrize("settle", [ShoppingList.collect, ShoppingList.miss])
def test_no_more_pieces_than_wanted(settle: Callable[[ShoppingList, str, str, int], None]) -> None:
    shopping_list = shopping()
    shopping_list.collect("b", "p", 1)

    with pytest.raises(FewerPiecesWanted, match="only 1 more of product p are wanted"):
        settle(shopping_list, "b", "p", 2)

    assert items_of(shopping_list)["p"] == (1, 0, 1)


def test_goods_are_collected_where_they_are() -> None:
    shopping_list = shopping(at="s")

    with pytest.raises(BotIsNotThere, match="the bot is not at store t"):
        shopping_list.collect("b", "q", 1)

    assert items_of(shopping_list)["q"] == (0, 0, 1)


def test_what_is_not_on_the_list_is_left_there() -> None:
    with pytest.raises(ItemIsNotOnTheList, match="product x is not on the list"):
        shopping().collect("b", "x", 1)


def test_a_bot_visits_only_stores_on_the_list() -> None:
    with pytest.raises(StoreIsNotOnTheList, match="nothing on the list is from store x"):
        shopping().arrive("b", "x")


def test_a_bot_does_not_come_back_with_half_of_it() -> None:
    shopping_list = shopping()
    shopping_list.collect("b", "p", 2)

    with pytest.raises(ShoppingIsNotDone, match="product q is neither collected nor reported missing"):
        shopping_list.bring_back("b")

    assert shopping_list.status is ListStatus.SHOPPING


def test_goods_at_the_depot_belong_to_no_bot() -> None:
    shopping_list = shopping_done()

    shopping_list.bring_back("b")

    assert (shopping_list.status, shopping_list.bot_id, shopping_list.store_id) == (ListStatus.AT_DEPOT, "", "")
    assert shopping_list.recorded == ()


def test_another_bot_resumes_with_what_was_collected() -> None:
    shopping_list = shopping()
    shopping_list.collect("b", "p", 1)

    shopping_list.lose_bot("b")
    shopping_list.assign("c")
    shopping_list.start("c")

    assert items_of(shopping_list) == {"p": (1, 0, 1), "q": (0, 0, 1)}
    with pytest.raises(ShoppingListIsAnothers, match="shopping list l is not this bot's"):
        shopping_list.collect("b", "p", 1)


def test_a_bot_that_resumes_is_nowhere_at_first() -> None:
    shopping_list = shopping(at="s")

    shopping_list.lose_bot("b")
    shopping_list.assign("c")
    shopping_list.start("c")

    with pytest.raises(BotIsNotThere):
        shopping_list.collect("c", "p", 1)


def test_a_cancelled_list_frees_its_bot() -> None:
    shopping_list = shopping()

    assert shopping_list.cancel() == "b"

    assert shopping_list.recorded == (Cancelled(),)
    assert (shopping_list.status, shopping_list.bot_id, shopping_list.store_id) == (ListStatus.CANCELLED, "", "")


@pytest.mark.parametrize("make", [pending, available, at_depot])
def test_a_cancelled_list_that_no_bot_had_frees_none(make: Callable[[], ShoppingList]) -> None:
    assert make().cancel() == ""


def test_cancelling_again_changes_nothing() -> None:
    shopping_list = shopping()
    shopping_list.cancel()
    shopping_list.saved(version=2)

    assert shopping_list.cancel() == ""

    assert shopping_list.recorded == ()


@pytest.mark.parametrize("make", [available, shopping, at_depot, completed])
def test_scheduling_again_changes_nothing(make: Callable[[], ShoppingList]) -> None:
    shopping_list = make()
    status = shopping_list.status

    shopping_list.schedule()

    assert (shopping_list.status, shopping_list.recorded) == (status, ())
