import pytest

from contexts.depot.application.give_up_on_bot import GiveUpOnBot, give_up_on_bot
from contexts.depot.contract import BotBrokeDown, BotWentOnline, ItemCollected, ShoppingListAssigned
from contexts.depot.domain import BotStatus, ListStatus, ShoppingListIsAnothers
from mallbots_platform.errors import NotFound
from tests.contexts.depot.yard import LEASE, Yard, opened_yard


def test_a_silent_bot_loses_its_list() -> None:
    yard = opened_yard("o", bots=["b"])

    yard.passes(LEASE)

    assert (yard.lists.get("l1").status, yard.bot_with("l1")) == (ListStatus.AVAILABLE, "")
    assert yard.bots.get("b").status is BotStatus.OFFLINE
    assert yard.told[-1] == BotBrokeDown(bot_id="b", shopping_list_id="l1")


def test_a_bot_that_speaks_in_time_keeps_its_list() -> None:
    yard = opened_yard("o", bots=["b"])

    for _ in range(5):
        yard.passes(LEASE * 0.9)
        yard.asks("b")

    assert yard.bot_with("l1") == "b"


def test_another_bot_resumes_what_was_begun() -> None:
    yard = opened_yard("o", bots=["b", "c"])
    yard.starts("b")
    yard.arrives("s", "b")
    yard.collects("p", 1, "b")

    yard.falls_silent("b")

    resumed = yard.asks("c")
    assert resumed
    assert [(item.collected, item.left) for stop in resumed.stops for item in stop.items] == [(1, 1), (0, 1)]
    assert (resumed.id, resumed.status, resumed.store_id) == ("l1", ListStatus.ASSIGNED, "")


def test_a_resumed_list_is_brought_back_whole() -> None:
    yard = opened_yard("o", bots=["b", "c"])
    yard.starts("b")
    yard.arrives("s", "b")
    yard.collects("p", 1, "b")
    yard.falls_silent("b")

    yard.starts("c")
    yard.arrives("s", "c")
    yard.collects("p", 1, "c")
    yard.arrives("t", "c")
    yard.collects("q", 1, "c")
    yard.returns("c")

    collected = [message for message in yard.told if isinstance(message, ItemCollected)]
    assert [(each.product_id, each.quantity) for each in collected] == [("p", 1), ("p", 1), ("q", 1)]
    assert yard.lists.get("l1").status is ListStatus.AT_DEPOT


def test_a_list_that_lost_its_bot_is_still_the_oldest() -> None:
    yard = opened_yard("o", "later", bots=["b"])

    yard.falls_silent("b")
    yard.registers("c")
    yard.online("c")

    assert (yard.bot_with("l1"), yard.bot_with("l2")) == ("c", "")


def test_a_bot_that_wakes_up_has_lost_its_list() -> None:
    yard = opened_yard("o", bots=["b", "c"])
    yard.starts("b")
    yard.falls_silent("b")

    with pytest.raises(ShoppingListIsAnothers):
        yard.arrives("s", "b")
    yard.online("b")

    assert yard.asks("b") is None
    assert yard.bot_with("l1") == "c"


def test_a_bot_that_wakes_up_may_get_its_list_again() -> None:
    yard = opened_yard("o", bots=["b"])
    yard.starts("b")
    yard.falls_silent("b")

    yard.online("b")

    assert yard.bot_with("l1") == "b"
    assert len(yard.told_of(BotWentOnline, ShoppingListAssigned)) == 4


def test_a_silent_idle_bot_leaves_nothing() -> None:
    yard = opened_yard(bots=["b"])

    yard.falls_silent("b")

    assert yard.told[-1] == BotBrokeDown(bot_id="b", shopping_list_id="")


def test_a_bot_is_given_up_only_once() -> None:
    yard = opened_yard("o", bots=["b"])
    yard.falls_silent("b")
    told = list(yard.told)

    yard.falls_silent("b")

    assert yard.told == told


def test_nobody_waits_for_a_bot_that_was_never_there() -> None:
    yard = Yard()

    with pytest.raises(NotFound, match="no bot has the id 'b'"):
        give_up_on_bot(GiveUpOnBot(bot_id="b"), yard.lists, yard.bots)

    assert yard.bots.all() == []
