import pytest

from contexts.stores.application.close_store import CloseStore, close_store
from contexts.stores.application.disable_participation import DisableParticipation, disable_participation
from contexts.stores.application.enable_participation import EnableParticipation, enable_participation
from contexts.stores.application.ports import StoreOnShow
from contexts.stores.application.rebrand_store import RebrandStore, rebrand_store
from contexts.stores.domain import StoreIsClosed
from contexts.stores.domain.events import (
    StoreClosed,
    StoreOpened,
    StoreParticipationDisabled,
    StoreParticipationEnabled,
    StoreRebranded,
)
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.stores.shop import Shop


def test_an_opened_store_is_on_show_at_once() -> None:
    shop = Shop()

    shop.opens("s")

    assert shop.stores.published == [StoreOpened(name="Crafts", location="level 1")]
    assert shop.mall.store("s") == StoreOnShow(
        store_id="s", name="Crafts", location="level 1", participating=False, open=True, version=1
    )


def test_a_store_opens_only_once() -> None:
    shop = Shop()
    shop.opens("s")

    with pytest.raises(AlreadyExists):
        shop.opens("s")


def test_a_new_name_is_on_show_at_once() -> None:
    shop = Shop()
    shop.opens("s")

    rebrand_store(RebrandStore(store_id="s", name="Fine Crafts"), shop.stores, shop.mall)

    assert shop.stores.published[1:] == [StoreRebranded(name="Fine Crafts")]
    assert (shop.mall.store("s").name, shop.mall.store("s").version) == ("Fine Crafts", 2)


def test_only_participating_stores_are_listed_as_such() -> None:
    shop = Shop()
    shop.opens("a")
    shop.opens("b")

    enable_participation(EnableParticipation(store_id="b"), shop.stores, shop.mall)
    assert [store.store_id for store in shop.mall.participating_stores("", 10)] == ["b"]

    disable_participation(DisableParticipation(store_id="b"), shop.stores, shop.mall)
    assert shop.mall.participating_stores("", 10) == []
    assert shop.stores.published[2:] == [StoreParticipationEnabled(), StoreParticipationDisabled()]


def test_a_closed_store_stays_on_show_as_closed() -> None:
    shop = Shop()
    shop.opens("s")
    shop.takes_part("s")

    close_store(CloseStore(store_id="s"), shop.stores, shop.mall)

    shown = shop.mall.store("s")
    assert (shown.open, shown.participating, shown.version) == (False, False, 4)
    assert shop.stores.published[2:] == [StoreParticipationDisabled(), StoreClosed()]


def test_what_is_refused_changes_nothing_on_show() -> None:
    shop = Shop()
    shop.opens("s")
    shop.closes("s")
    shown = shop.mall.store("s")

    with pytest.raises(StoreIsClosed):
        shop.takes_part("s")

    assert shop.mall.store("s") == shown


def test_an_unknown_store_is_not_found() -> None:
    shop = Shop()

    with pytest.raises(NotFound, match="no store has the id 'nowhere'"):
        shop.closes("nowhere")
