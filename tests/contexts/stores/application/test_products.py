from collections.abc import Callable

import pytest

from contexts.stores.application.decrease_product_price import DecreaseProductPrice, decrease_product_price
from contexts.stores.application.increase_product_price import IncreaseProductPrice, increase_product_price
from contexts.stores.application.ports import ProductOnShow
from contexts.stores.application.rebrand_product import RebrandProduct, rebrand_product
from contexts.stores.application.remove_product import RemoveProduct, remove_product
from contexts.stores.domain import SkuIsTaken, StoreIsClosed
from contexts.stores.domain.events import (
    ProductAdded,
    ProductPriceDecreased,
    ProductPriceIncreased,
    ProductRebranded,
    ProductRemoved,
)
from mallbots_platform.errors import NotFound
from tests.contexts.stores.shop import Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.opens("s")
    return shop


def rebrand(shop: Shop) -> None:
    command = RebrandProduct(product_id="p", name="Fine Clay", description="2 kg")
    rebrand_product(command, shop.stores, shop.products, shop.catalogue)


def increase_price(shop: Shop) -> None:
    command = IncreaseProductPrice(product_id="p", price=600)
    increase_product_price(command, shop.stores, shop.products, shop.catalogue)


def decrease_price(shop: Shop) -> None:
    command = DecreaseProductPrice(product_id="p", price=400)
    decrease_product_price(command, shop.stores, shop.products, shop.catalogue)


def remove(shop: Shop) -> None:
    remove_product(RemoveProduct(product_id="p"), shop.stores, shop.products, shop.skus, shop.catalogue)


CHANGES = [rebrand, increase_price, decrease_price, remove]


def test_an_added_product_is_in_the_catalogue_at_once(shop: Shop) -> None:
    shop.adds("p", store_id="s", sku="C-1")

    assert shop.products.published == [
        ProductAdded(store_id="s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR")
    ]
    assert shop.catalogue.product("p") == ProductOnShow(
        product_id="p",
        store_id="s",
        name="Clay",
        description="1 kg",
        sku="C-1",
        price=500,
        currency="EUR",
        version=1,
    )


def test_a_sku_is_unique_in_its_store(shop: Shop) -> None:
    shop.adds("p", sku="C-1")

    with pytest.raises(SkuIsTaken, match="'C-1'"):
        shop.adds("q", sku="C-1")

    assert [product.product_id for product in shop.catalogue.products_of("s", "", 10)] == ["p"]


def test_another_store_may_have_the_same_sku(shop: Shop) -> None:
    shop.opens("other")
    shop.adds("p", store_id="s", sku="C-1")

    shop.adds("q", store_id="other", sku="C-1")

    assert shop.catalogue.product("q").sku == "C-1"


def test_a_closed_store_takes_no_product(shop: Shop) -> None:
    shop.closes("s")

    with pytest.raises(StoreIsClosed):
        shop.adds("p")

    assert shop.skus.claimed == {}


def test_an_unknown_store_takes_no_product(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no store has the id 'nowhere'"):
        shop.adds("p", store_id="nowhere")


def test_a_new_name_is_in_the_catalogue_at_once(shop: Shop) -> None:
    shop.adds("p")

    rebrand(shop)

    shown = shop.catalogue.product("p")
    assert (shown.name, shown.description, shown.version) == ("Fine Clay", "2 kg", 2)
    assert shop.products.published[1:] == [ProductRebranded(name="Fine Clay", description="2 kg")]


def test_a_new_price_is_in_the_catalogue_at_once(shop: Shop) -> None:
    shop.adds("p")

    increase_price(shop)
    assert (shop.catalogue.product("p").price, shop.catalogue.product("p").version) == (600, 2)

    decrease_price(shop)
    assert (shop.catalogue.product("p").price, shop.catalogue.product("p").version) == (400, 3)
    assert shop.products.published[1:] == [ProductPriceIncreased(price=600), ProductPriceDecreased(price=400)]


def test_a_removed_product_leaves_the_catalogue_and_its_sku(shop: Shop) -> None:
    shop.adds("p", sku="C-1")

    remove(shop)

    assert shop.products.published[1:] == [ProductRemoved()]
    with pytest.raises(NotFound):
        shop.catalogue.product("p")
    shop.adds("q", sku="C-1")


@pytest.mark.parametrize("change", CHANGES)
def test_a_product_of_a_closed_store_stays_as_it_is(shop: Shop, change: Callable[[Shop], None]) -> None:
    shop.adds("p")
    shop.closes("s")

    with pytest.raises(StoreIsClosed):
        change(shop)

    assert shop.catalogue.product("p").version == 1


@pytest.mark.parametrize("change", CHANGES)
def test_an_unknown_product_is_not_found(shop: Shop, change: Callable[[Shop], None]) -> None:
    with pytest.raises(NotFound, match="no product has the id 'p'"):
        change(shop)
