"""What the order process asks of the depot: repeats answer the same, refusals keep nothing."""

from collections.abc import Callable

import pytest

from contexts.depot.contract import (
    ShoppingListAssigned,
    ShoppingListCancelled,
    ShoppingListCreated,
    ShoppingListScheduled,
)
from contexts.depot.domain import (
    BotStatus,
    Item,
    ListStatus,
    ShoppingListIsCancelled,
    Stop,
    Store,
    StoreIsClosed,
)
from mallbots_platform.errors import NotFound
from tests.contexts.depot.yard import GOODS, Yard, opened_yard, shopped_yard, wanted


def closed(store_id: str) -> Store:
    return Store(store_id=store_id, name="Crafts", location="level 1", is_open=False, version=3)


def test_a_created_list_is_pending_and_told() -> None:
    yard = Yard()

    assert yard.creates("o") == "l1"

    assert yard.lists.get("l1").status is ListStatus.PENDING
    assert yard.told == [ShoppingListCreated(order_id="o", shopping_list_id="l1")]


def test_a_list_has_one_stop_a_store_in_the_order_of_choice() -> None:
    yard = Yard()

    yard.creates("o", wanted("q", "t"), wanted("p", "s", 2), wanted("r", "t", 3))

    assert yard.lists.get("l1").stops == (
        Stop(
            store_id="t",
            store_name="store t",
            items=(
                Item(product_id="q", name="product q", quantity=1),
                Item(product_id="r", name="product r", quantity=3),
            ),
        ),
        Stop(store_id="s", store_name="store s", items=(Item(product_id="p", name="product p", quantity=2),)),
    )


def test_goods_chosen_twice_are_fetched_together() -> None:
    yard = Yard()

    yard.creates("o", wanted("p", "s", 2), wanted("q", "s"), wanted("p", "s", 3))

    [stop] = yard.lists.get("l1").stops
    assert [(item.product_id, item.quantity) for item in stop.items] == [("p", 5), ("q", 1)]


def test_creating_again_answers_the_same() -> None:
    yard = Yard()
    yard.creates("o")

    assert yard.creates("o") == "l1"
    yard.schedules("o")
    assert yard.creates("o") == "l1"

    assert yard.told_of(ShoppingListCreated) == [ShoppingListCreated(order_id="o", shopping_list_id="l1")]
    assert yard.lists.get("l1").status is ListStatus.AVAILABLE


def test_every_order_has_a_list_of_its_own() -> None:
    yard = Yard()

    assert (yard.creates("o"), yard.creates("another")) == ("l1", "l2")


def test_nothing_is_shopped_at_a_closed_store() -> None:
    yard = Yard()
    yard.stores.keep(closed("t"))

    with pytest.raises(StoreIsClosed, match="store t is closed"):
        yard.creates("o", *GOODS)

    assert (yard.lists.all(), yard.told) == ([], [])


def test_a_repeat_answers_the_same_when_a_store_has_closed() -> None:
    yard = Yard()
    yard.creates("o", *GOODS)

    yard.stores.keep(closed("t"))

    assert yard.creates("o", *GOODS) == "l1"


def test_a_store_never_heard_of_may_be_open() -> None:
    yard = Yard()
    yard.stores.keep(closed("elsewhere"))

    assert yard.creates("o", *GOODS) == "l1"


def test_a_scheduled_list_waits_for_a_bot() -> None:
    yard = Yard()
    yard.creates("o")

    yard.schedules("o")

    assert yard.lists.get("l1").status is ListStatus.AVAILABLE
    assert yard.told[1:] == [ShoppingListScheduled(order_id="o", shopping_list_id="l1")]


def test_a_scheduled_list_goes_to_a_waiting_bot_at_once() -> None:
    yard = opened_yard(bots=["b"])
    yard.creates("o")

    yard.schedules("o")

    assert yard.bot_with("l1") == "b"
    assert yard.told[-1] == ShoppingListAssigned(order_id="o", shopping_list_id="l1", bot_id="b")


def test_scheduling_again_changes_nothing() -> None:
    yard = shopped_yard()
    told = list(yard.told)

    yard.schedules("o")

    assert (yard.lists.get("l1").status, yard.told) == (ListStatus.SHOPPING, told)


def test_a_cancelled_list_is_not_scheduled() -> None:
    yard = Yard()
    yard.creates("o")
    yard.cancels("o")

    with pytest.raises(ShoppingListIsCancelled, match="shopping list l1 is cancelled"):
        yard.schedules("o")

    assert yard.told_of(ShoppingListScheduled) == []


def test_a_cancelled_list_is_told() -> None:
    yard = Yard()
    yard.creates("o")

    yard.cancels("o")

    assert yard.lists.get("l1").status is ListStatus.CANCELLED
    assert yard.told[1:] == [ShoppingListCancelled(order_id="o", shopping_list_id="l1")]


def test_cancelling_frees_the_bot_for_the_next_list() -> None:
    yard = opened_yard("o", "next", bots=["b"])
    yard.starts("b", "l1")

    yard.cancels("o")

    assert (yard.bot_with("l1"), yard.bot_with("l2")) == ("", "b")
    assert yard.bots.get("b").shopping_list_id == "l2"


def test_a_bot_freed_with_nothing_to_do_is_idle() -> None:
    yard = opened_yard("o", bots=["b"])

    yard.cancels("o")

    bot = yard.bots.get("b")
    assert (bot.status, bot.shopping_list_id, bot.idle_since) == (BotStatus.IDLE, "", yard.now)


def test_cancelling_again_changes_nothing() -> None:
    yard = opened_yard("o", "next", bots=["b"])
    yard.cancels("o")
    told = list(yard.told)

    yard.cancels("o")

    assert yard.told == told
    assert yard.bots.get("b").shopping_list_id == "l2"


def test_goods_at_the_depot_may_still_be_cancelled() -> None:
    yard = shopped_yard()
    yard.returns()

    yard.cancels("o")

    assert yard.lists.get("l1").status is ListStatus.CANCELLED


def test_a_completed_list_has_nothing_to_be_cancelled() -> None:
    yard = shopped_yard()
    yard.returns()
    yard.checks()

    with pytest.raises(NotFound, match="no open shopping list of order has the id 'o'"):
        yard.cancels("o")

    assert yard.told_of(ShoppingListCancelled) == []


@pytest.mark.parametrize("command", [Yard.schedules, Yard.cancels])
def test_an_order_without_a_list_is_not_found(command: Callable[[Yard, str], None]) -> None:
    yard = Yard()

    with pytest.raises(NotFound, match="no shopping list of order has the id 'nowhere'"):
        command(yard, "nowhere")

    assert (yard.lists.all(), yard.told) == ([], [])
