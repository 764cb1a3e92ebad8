from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis.strategies import integers, lists

from contexts.baskets.adapters.subscriptions import Reactions
from contexts.baskets.adapters.timer_patience import BasketIsLeftAlone
from contexts.baskets.domain import Product, Status, Store
from contexts.stores import contract as mall
from mallbots_platform.errors import NotFound
from tests.contexts.baskets.kiosk import CLAY, CRAFTS, Kiosk
from tests.contexts.baskets.memory import MemoryGoods

REACTION: dict[type, Callable[[Reactions, Any], None]] = {
    mall.StoreOpened: Reactions.on_store_opened,
    mall.StoreRebranded: Reactions.on_store_rebranded,
    mall.StoreParticipationEnabled: Reactions.on_participation_enabled,
    mall.StoreParticipationDisabled: Reactions.on_participation_disabled,
    mall.StoreClosed: Reactions.on_store_closed,
    mall.ProductAdded: Reactions.on_product_added,
    mall.ProductRebranded: Reactions.on_product_rebranded,
    mall.ProductPriceChanged: Reactions.on_product_price_changed,
    mall.ProductRemoved: Reactions.on_product_removed,
}
STORE_CHANGES = [
    (mall.StoreRebranded(store_id="crafts", name="Fine", version=3), replace(CRAFTS, name="Fine", version=3)),
    (mall.StoreParticipationEnabled(store_id="crafts", version=3), replace(CRAFTS, participates=True, version=3)),
    (mall.StoreParticipationDisabled(store_id="crafts", version=3), replace(CRAFTS, participates=False, version=3)),
    (mall.StoreClosed(store_id="crafts", version=3), replace(CRAFTS, is_open=False, version=3)),
]
PRODUCT_CHANGES = [
    (
        mall.ProductRebranded(product_id="clay", store_id="crafts", name="Fine Clay", version=3),
        replace(CLAY, name="Fine Clay", version=3),
    ),
    (
        mall.ProductPriceChanged(product_id="clay", store_id="crafts", price=900, currency="EUR", version=3),
        replace(CLAY, price=900, version=3),
    ),
    (
        mall.ProductRemoved(product_id="clay", store_id="crafts", version=3),
        replace(CLAY, is_removed=True, version=3),
    ),
]
CHANGES = [event for event, _ in (*STORE_CHANGES, *PRODUCT_CHANGES)]


class Listener:
    """Baskets, told of what happened at stores."""

    def __init__(self) -> None:
        self.kiosk = Kiosk()
        self.goods = self.kiosk.goods = MemoryGoods()
        self.react = Reactions(self.kiosk.baskets, self.goods)

    def hears(self, *events: object) -> None:
        for event in events:
            REACTION[type(event)](self.react, event)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def price_changed(price: int, version: int) -> mall.ProductPriceChanged:
    return mall.ProductPriceChanged(product_id="clay", store_id="crafts", price=price, currency="EUR", version=version)


def clay_added(version: int = 1) -> mall.ProductAdded:
    return mall.ProductAdded(
        product_id="clay", store_id="crafts", name="Clay", sku="C-1", price=500, currency="EUR", version=version
    )


def test_every_event_of_stores_is_listened_to() -> None:
    assert set(REACTION) == set(mall.CONTRACT.events)


def test_an_opened_store_is_remembered(listener: Listener) -> None:
    listener.hears(mall.StoreOpened(store_id="crafts", name="Crafts", location="level 1", version=1))

    assert listener.goods.store("crafts") == Store(
        store_id="crafts", name="Crafts", version=1, participates=False, is_open=True
    )


def test_an_added_product_is_remembered(listener: Listener) -> None:
    listener.hears(clay_added())

    assert listener.goods.product("clay") == CLAY


@pytest.mark.parametrize(("event", "remembered"), STORE_CHANGES)
def test_a_change_of_a_store_is_remembered(listener: Listener, event: object, remembered: Store) -> None:
    listener.goods.keep_store(CRAFTS)

    listener.hears(event)

    assert listener.goods.store("crafts") == remembered


@pytest.mark.parametrize(("event", "remembered"), PRODUCT_CHANGES)
def test_a_change_of_a_product_is_remembered(listener: Listener, event: object, remembered: Product) -> None:
    listener.goods.keep_product(CLAY)

    listener.hears(event)

    assert listener.goods.product("clay") == remembered


@pytest.mark.parametrize("event", CHANGES)
def test_a_change_of_something_unknown_is_left_out(listener: Listener, event: object) -> None:
    listener.hears(event)

    assert (listener.goods.stores, listener.goods.products) == ({}, {})


@pytest.mark.parametrize("event", [*CHANGES, clay_added(3)])
def test_old_news_of_something_newer_changes_nothing(listener: Listener, event: object) -> None:
    store, product = replace(CRAFTS, version=7, name="Now"), replace(CLAY, version=7, name="Now")
    listener.goods.keep_store(store)
    listener.goods.keep_product(product)

    listener.hears(event)

    assert (listener.goods.store("crafts"), listener.goods.product("clay")) == (store, product)


def test_a_price_heard_twice_counts_once(listener: Listener) -> None:
    listener.goods.keep_product(CLAY)

    listener.hears(price_changed(600, version=2), price_changed(600, version=2))

    assert listener.goods.product("clay").price == 600


def test_a_price_a_call_has_brought_counts_once(listener: Listener) -> None:
    listener.goods.keep_product(replace(CLAY, price=700, version=3))

    listener.hears(clay_added(), price_changed(600, version=2), price_changed(700, version=3))

    assert listener.goods.product("clay") == replace(CLAY, price=700, version=3)


@settings(max_examples=60)
@hypothesis_given(
    prices=lists(integers(0, 1000), min_size=1, max_size=6), again=lists(integers(0, 6)), called_at=integers(0, 6)
)
def test_the_newest_price_wins_whatever_is_heard_again(prices: list[int], again: list[int], called_at: int) -> None:
    history = [clay_added(), *(price_changed(price, version) for version, price in enumerate(prices, 2))]
    listener = Listener()

    for heard, event in enumerate(history):
        listener.hears(event)
        if heard == called_at:
            listener.goods.keep_product(replace(CLAY, price=prices[-1], version=len(history)))
        listener.hears(*(history[number] for number in again if number <= heard))

    assert listener.goods.product("clay") == replace(CLAY, price=prices[-1], version=len(history))


def test_a_basket_left_alone_is_abandoned(listener: Listener) -> None:
    listener.kiosk.starts("b")

    listener.react.on_basket_is_left_alone(BasketIsLeftAlone(basket_id="b"))

    assert listener.kiosk.baskets.get("b").status is Status.ABANDONED


def test_a_basket_that_ended_in_time_stays_ended(listener: Listener) -> None:
    listener.kiosk.starts("b")
    listener.kiosk.cancels("b")

    listener.react.on_basket_is_left_alone(BasketIsLeftAlone(basket_id="b"))

    assert listener.kiosk.baskets.get("b").status is Status.CANCELLED


def test_no_basket_is_made_by_a_timer(listener: Listener) -> None:
    with pytest.raises(NotFound):
        listener.react.on_basket_is_left_alone(BasketIsLeftAlone(basket_id="b"))

    assert listener.kiosk.baskets.all() == []
