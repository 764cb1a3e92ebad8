from collections.abc import Callable

import pytest

from contexts.depot.contract import (
    BotWentOnline,
    ItemCollected,
    ItemMissing,
    ShoppingListAssigned,
    ShoppingListCompleted,
    ShoppingListCreated,
    ShoppingListScheduled,
    ShoppingStarted,
    StoreVisited,
)
from contexts.depot.domain import (
    BotStatus,
    ListStatus,
    ShoppingIsNotDone,
    ShoppingListIsAnothers,
    ShoppingListIsCancelled,
    ShoppingListIsNot,
)
from mallbots_platform.errors import NotFound, RuleViolated
from tests.contexts.depot.yard import Yard, opened_yard, shopped_yard


def test_a_robot_brings_the_goods_and_staff_check_them() -> None:
    yard = opened_yard("o")

    yard.starts()
    yard.arrives("s")
    yard.collects("p", 2)
    yard.arrives("t")
    yard.misses("q")
    yard.returns()
    yard.checks()

    about = {"order_id": "o", "shopping_list_id": "l1"}
    assert yard.told == [
        BotWentOnline(bot_id="b"),
        ShoppingListCreated(**about),
        ShoppingListScheduled(**about),
        ShoppingListAssigned(**about, bot_id="b"),
        ShoppingStarted(**about, bot_id="b"),
        StoreVisited(**about, bot_id="b", store_id="s"),
        ItemCollected(**about, product_id="p", quantity=2),
        StoreVisited(**about, bot_id="b", store_id="t"),
        ItemMissing(**about, product_id="q", quantity=1),
        ShoppingListCompleted(**about),
    ]


def test_a_robot_is_told_what_is_on_its_list() -> None:
    yard = opened_yard("o")

    started = yard.starts()

    assert (started.status, [stop.store_id for stop in started.stops]) == (ListStatus.SHOPPING, ["s", "t"])


def test_a_robot_that_is_back_is_idle_again() -> None:
    yard = shopped_yard()

    yard.returns()

    bot = yard.bots.get("b")
    assert (bot.status, bot.shopping_list_id, bot.idle_since) == (BotStatus.IDLE, "", yard.now)
    assert yard.lists.get("l1").status is ListStatus.AT_DEPOT


def test_a_robot_that_is_back_gets_the_next_list() -> None:
    yard = shopped_yard()
    yard.creates("next")
    yard.schedules("next")

    yard.returns()

    assert (yard.bot_with("l1"), yard.bot_with("l2")) == ("", "b")


def test_goods_that_were_not_checked_are_not_ready() -> None:
    yard = shopped_yard()

    yard.returns()

    assert yard.told_of(ShoppingListCompleted) == []


def test_only_goods_at_the_depot_are_checked() -> None:
    yard = shopped_yard()

    with pytest.raises(ShoppingListIsNot, match="shopping list l1 is shopping, not at depot"):
        yard.checks()

    assert yard.told_of(ShoppingListCompleted) == []


def test_goods_are_checked_only_once() -> None:
    yard = shopped_yard()
    yard.returns()
    yard.checks()

    with pytest.raises(ShoppingListIsNot):
        yard.checks()

    assert len(yard.told_of(ShoppingListCompleted)) == 1


def test_a_robot_that_has_not_found_all_keeps_its_list() -> None:
    yard = opened_yard("o")
    yard.starts()

    with pytest.raises(ShoppingIsNotDone):
        yard.returns()

    assert (yard.bot_with("l1"), yard.bots.get("b").shopping_list_id) == ("b", "l1")


def test_a_robot_of_a_cancelled_list_learns_it_at_its_next_word() -> None:
    yard = opened_yard("o")
    yard.starts()
    yard.cancels("o")

    with pytest.raises(ShoppingListIsCancelled, match="shopping list l1 is cancelled"):
        yard.arrives("s")

    assert yard.asks() is None


Word = Callable[[Yard, str, str], object]
WORDS: dict[str, Word] = {
    "starts": lambda yard, bot_id, list_id: yard.starts(bot_id, list_id),
    "arrives": lambda yard, bot_id, list_id: yard.arrives("s", bot_id, list_id),
    "collects": lambda yard, bot_id, list_id: yard.collects("p", 1, bot_id, list_id),
    "misses": lambda yard, bot_id, list_id: yard.misses("p", 1, bot_id, list_id),
    "returns": lambda yard, bot_id, list_id: yard.returns(bot_id, list_id),
}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS.keys())
def test_nobody_shops_the_list_of_another(word: Word) -> None:
    yard = opened_yard("o", bots=["b", "thief"])
    told = list(yard.told)

    with pytest.raises(ShoppingListIsAnothers):
        word(yard, "thief", "l1")

    assert (yard.bot_with("l1"), yard.bots.get("thief").status, yard.told) == ("b", BotStatus.IDLE, told)


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS.keys())
def test_a_refused_word_is_no_sign_of_life(word: Word) -> None:
    yard = opened_yard("o", bots=["b", "thief"])
    ends = dict(yard.leases.ends)

    with pytest.raises(RuleViolated):
        word(yard, "thief", "l1")

    assert yard.leases.ends == ends


@pytest.mark.parametrize("word", [*WORDS.values(), lambda yard, _, list_id: yard.checks(list_id)])
def test_an_unknown_list_is_not_found(word: Word) -> None:
    yard = opened_yard("o")

    with pytest.raises(NotFound, match="no shopping list has the id 'nowhere'"):
        word(yard, "b", "nowhere")

    assert len(yard.lists.all()) == 1
