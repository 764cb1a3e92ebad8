from collections.abc import Callable

import pytest

from contexts.depot.contract import BotWentOffline, BotWentOnline
from contexts.depot.domain import BotHasAShoppingList, BotIsOffline, BotStatus
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.depot.yard import LEASE, NOON, Yard, opened_yard


def test_a_registered_bot_is_kept_offline() -> None:
    yard = Yard()

    yard.registers("b")

    assert (yard.bots.get("b").name, yard.bots.get("b").status) == ("robot b", BotStatus.OFFLINE)
    assert (yard.told, yard.leases.ends) == ([], {})


def test_a_bot_registers_only_once() -> None:
    yard = Yard()
    yard.registers("b")

    with pytest.raises(AlreadyExists):
        yard.registers("b")

    assert len(yard.bots.all()) == 1


def test_a_bot_that_comes_online_is_told_and_has_a_lease() -> None:
    yard = Yard()
    yard.registers("b")

    yard.online("b")

    assert yard.told == [BotWentOnline(bot_id="b")]
    assert yard.leases.ends == {"b": yard.now + LEASE}


def test_coming_online_again_is_a_sign_of_life_only() -> None:
    yard = opened_yard("o", bots=["b"])
    yard.now = NOON + LEASE / 2

    yard.online("b")

    assert yard.told_of(BotWentOnline) == [BotWentOnline(bot_id="b")]
    assert yard.bots.get("b").shopping_list_id == "l1"
    assert yard.leases.ends == {"b": yard.now + LEASE}


def test_a_bot_that_goes_offline_is_told_and_has_no_lease() -> None:
    yard = opened_yard(bots=["b"])

    yard.offline("b")

    assert yard.told[1:] == [BotWentOffline(bot_id="b")]
    assert yard.leases.ends == {}


def test_a_bot_with_a_list_stays_online() -> None:
    yard = opened_yard("o", bots=["b"])

    with pytest.raises(BotHasAShoppingList, match="bot b has a shopping list"):
        yard.offline("b")

    assert set(yard.leases.ends) == {"b"}
    assert yard.told_of(BotWentOffline) == []


def test_an_offline_bot_cannot_go_offline() -> None:
    yard = Yard()
    yard.registers("b")

    with pytest.raises(BotIsOffline, match="bot b is offline"):
        yard.offline("b")

    assert yard.told == []


def test_every_word_of_a_bot_is_a_sign_of_life() -> None:
    yard = opened_yard("o", bots=["b"])
    words: list[Callable[[], object]] = [
        lambda: yard.asks(),
        lambda: yard.starts(),
        lambda: yard.arrives("s"),
        lambda: yard.collects("p", 2),
        lambda: yard.arrives("t"),
        lambda: yard.misses("q"),
        lambda: yard.returns(),
    ]

    ends = []
    for word in words:
        yard.now += LEASE / 2
        word()
        ends.append(yard.leases.ends["b"] - yard.now)

    assert ends == [LEASE] * len(words)


@pytest.mark.parametrize(
    "word",
    [
        lambda yard: yard.online("b"),
        lambda yard: yard.offline("b"),
        lambda yard: yard.asks("b"),
        lambda yard: yard.starts("b"),
        lambda yard: yard.arrives("s", "b"),
        lambda yard: yard.collects("p", 1, "b"),
        lambda yard: yard.misses("p", 1, "b"),
        lambda yard: yard.returns("b"),
    ],
)
def test_an_unknown_bot_is_not_found(word: Callable[[Yard], object]) -> None:
    yard = Yard()
    yard.creates("o")

    with pytest.raises(NotFound, match="no bot has the id 'b'"):
        word(yard)

    assert (yard.bots.all(), yard.leases.ends) == ([], {})
