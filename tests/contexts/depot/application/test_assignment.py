from datetime import timedelta

import pytest

from contexts.depot.application.assign_shopping_lists import assign_shopping_lists
from contexts.depot.contract import ShoppingListAssigned
from contexts.depot.domain import Bot, BotIsOffline, BotStatus, ListStatus, ShoppingList
from tests.contexts.depot.yard import LEASE, NOON, Yard, opened_yard


def test_a_bot_that_asks_gets_the_list_it_has() -> None:
    yard = opened_yard("o", bots=["b"])

    first, again = yard.asks("b"), yard.asks("b")

    assert first and again
    assert (first.id, first.bot_id, first.status) == ("l1", "b", ListStatus.ASSIGNED)
    assert again.id == "l1"
    assert len(yard.told_of(ShoppingListAssigned)) == 1


def test_a_bot_that_asks_may_get_nothing() -> None:
    yard = opened_yard(bots=["b"])

    assert yard.asks("b") is None

    assert yard.leases.ends["b"] == NOON.replace(microsecond=1000) + LEASE


def test_an_offline_bot_gets_nothing() -> None:
    yard = Yard()
    yard.registers("b")
    yard.creates("o")
    yard.schedules("o")

    with pytest.raises(BotIsOffline):
        yard.asks("b")

    assert (yard.bot_with("l1"), yard.leases.ends) == ("", {})


def test_a_pending_list_is_not_shopped() -> None:
    yard = opened_yard(bots=["b"])
    yard.creates("o")

    assert yard.asks("b") is None

    assert yard.lists.get("l1").status is ListStatus.PENDING


def test_the_oldest_list_goes_first() -> None:
    yard = Yard()
    yard.registers("b")
    for order_id in ("first", "second", "third"):
        yard.creates(order_id)
    for order_id in ("third", "second", "first"):
        yard.schedules(order_id)

    yard.online("b")

    assert [yard.bot_with(list_id) for list_id in ("l1", "l2", "l3")] == ["b", "", ""]


def test_the_longest_idle_bot_goes_first() -> None:
    yard = opened_yard(bots=["z", "a", "m"])

    for order_id in ("o", "p", "q"):
        yard.creates(order_id)
        yard.schedules(order_id)

    assert [yard.bot_with(list_id) for list_id in ("l1", "l2", "l3")] == ["z", "a", "m"]


def test_a_bot_that_came_back_waits_behind_the_others() -> None:
    yard = opened_yard("o", bots=["a", "b"])
    yard.cancels("o")

    yard.creates("next")
    yard.schedules("next")

    assert yard.bot_with("l2") == "b"


def test_asking_does_not_get_a_bot_ahead_of_the_line() -> None:
    yard = opened_yard(bots=["a", "b"])
    yard.asks("b")

    yard.creates("o")
    yard.schedules("o")

    assert yard.bot_with("l1") == "a"


def test_two_bots_are_never_on_one_list() -> None:
    yard = opened_yard("o", bots=["a", "b"])

    yard.asks("b")
    yard.asks("a")
    yard.online("b")

    assert (yard.bot_with("l1"), yard.bots.get("b").shopping_list_id) == ("a", "")
    assert len(yard.told_of(ShoppingListAssigned)) == 1


def test_a_bot_has_one_list_at_a_time() -> None:
    yard = opened_yard("o", "p", bots=["b"])

    yard.asks("b")

    assert [yard.lists.get(list_id).status for list_id in ("l1", "l2")] == [ListStatus.ASSIGNED, ListStatus.AVAILABLE]


def test_lists_and_bots_are_matched_until_one_runs_out() -> None:
    yard = Yard()
    for number in (2, 3, 1):
        waiting = ShoppingList(id=f"l{number}", order_id=f"o{number}", stops=(), status=ListStatus.AVAILABLE)
        yard.lists.add(waiting)
        since = NOON - timedelta(minutes=number)
        yard.bots.add(Bot(id=f"b{number}", name="Robbie", status=BotStatus.IDLE, idle_since=since))
    yard.lists.add(ShoppingList(id="l4", order_id="o4", stops=(), status=ListStatus.AVAILABLE))

    assign_shopping_lists(yard.lists, yard.bots)

    assert [yard.bot_with(list_id) for list_id in ("l1", "l2", "l3", "l4")] == ["b3", "b2", "b1", ""]
