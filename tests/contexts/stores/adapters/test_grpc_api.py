from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from contexts.stores.adapters.grpc_api import StoresApi
from contexts.stores.contract import stores_pb2 as pb
from contexts.stores.domain import PriceIsNotHigher, SkuIsTaken, StoreIsClosed
from mallbots_platform.errors import NotFound
from tests.contexts.stores.shop import Shop

CLAY = pb.AddProductRequest(store_id="s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR")


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def api(shop: Shop) -> StoresApi:
    ids = count(1)
    return StoresApi(shop.stores, shop.products, shop.skus, shop.mall, shop.catalogue, lambda: f"id-{next(ids)}")


def get_store(api: StoresApi, store_id: str = "s") -> pb.Store:
    return api.GetStore(pb.GetStoreRequest(store_id=store_id)).store


def get_product(api: StoresApi, product_id: str = "p") -> pb.Product:
    return api.GetProduct(pb.GetProductRequest(product_id=product_id)).product


def test_a_store_is_opened_and_shown(api: StoresApi) -> None:
    opened = api.OpenStore(pb.OpenStoreRequest(name="Crafts", location="level 1"))

    assert opened.store_id == "id-1"
    assert get_store(api, "id-1") == pb.Store(store_id="id-1", name="Crafts", location="level 1", open=True, version=1)


def test_a_store_changes_call_by_call(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")

    api.RebrandStore(pb.RebrandStoreRequest(store_id="s", name="Fine Crafts"))
    api.EnableParticipation(pb.EnableParticipationRequest(store_id="s"))
    assert (get_store(api).name, get_store(api).participating, get_store(api).version) == ("Fine Crafts", True, 3)

    api.DisableParticipation(pb.DisableParticipationRequest(store_id="s"))
    assert not get_store(api).participating

    api.CloseStore(pb.CloseStoreRequest(store_id="s"))
    assert not get_store(api).open


def test_a_product_is_added_and_shown(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")

    assert api.AddProduct(CLAY).product_id == "id-1"

    assert get_product(api, "id-1") == pb.Product(
        product_id="id-1",
        store_id="s",
        name="Clay",
        description="1 kg",
        sku="C-1",
        price=500,
        currency="EUR",
        version=1,
    )


def test_a_product_changes_call_by_call(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")
    shop.adds("p")

    api.RebrandProduct(pb.RebrandProductRequest(product_id="p", name="Fine Clay"))
    assert (get_product(api).name, get_product(api).description) == ("Fine Clay", "")

    api.IncreaseProductPrice(pb.IncreaseProductPriceRequest(product_id="p", price=600))
    assert (get_product(api).price, get_product(api).version) == (600, 3)

    api.DecreaseProductPrice(pb.DecreaseProductPriceRequest(product_id="p", price=1))
    assert (get_product(api).price, get_product(api).version) == (1, 4)

    api.RemoveProduct(pb.RemoveProductRequest(product_id="p"))
    with pytest.raises(NotFound, match="no product has the id 'p'"):
        get_product(api)


def test_refusals_of_the_domain_come_through(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")
    shop.adds("p", sku="C-1")

    with pytest.raises(SkuIsTaken):
        api.AddProduct(CLAY)
    with pytest.raises(PriceIsNotHigher):
        api.IncreaseProductPrice(pb.IncreaseProductPriceRequest(product_id="p", price=500))
    shop.closes("s")
    with pytest.raises(StoreIsClosed):
        api.RebrandStore(pb.RebrandStoreRequest(store_id="s", name="Fine Crafts"))


def test_stores_are_listed_with_tokens(api: StoresApi, shop: Shop) -> None:
    for store_id in "cab":
        shop.opens(store_id)

    first = api.ListStores(pb.ListStoresRequest(page_size=2))
    rest = api.ListStores(pb.ListStoresRequest(page_size=2, page_token=first.next_page_token))

    assert [store.store_id for store in first.stores] == ["a", "b"]
    assert ([store.store_id for store in rest.stores], rest.next_page_token) == (["c"], "")


def test_participating_stores_are_listed_with_tokens(api: StoresApi, shop: Shop) -> None:
    for store_id in "abcd":
        shop.opens(store_id)
    for store_id in "abd":
        shop.takes_part(store_id)

    first = api.ListParticipatingStores(pb.ListParticipatingStoresRequest(page_size=2))
    rest = api.ListParticipatingStores(pb.ListParticipatingStoresRequest(page_size=2, page_token=first.next_page_token))

    assert [store.store_id for store in first.stores] == ["a", "b"]
    assert ([store.store_id for store in rest.stores], rest.next_page_token) == (["d"], "")


def test_a_catalogue_is_listed_with_tokens(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")
    shop.opens("other")
    for product_id in "acd":
        shop.adds(product_id, "s", sku=product_id)
    shop.adds("b", "other")

    first = api.GetCatalogue(pb.GetCatalogueRequest(store_id="s", page_size=2))
    rest = api.GetCatalogue(pb.GetCatalogueRequest(store_id="s", page_size=2, page_token=first.next_page_token))

    assert [product.product_id for product in first.products] == ["a", "c"]
    assert ([product.product_id for product in rest.products], rest.next_page_token) == (["d"], "")


def test_the_catalogue_of_an_empty_store_is_empty(api: StoresApi, shop: Shop) -> None:
    shop.opens("s")

    answer = api.GetCatalogue(pb.GetCatalogueRequest(store_id="s"))

    assert (list(answer.products), answer.next_page_token) == ([], "")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda api: api.RebrandStore(pb.RebrandStoreRequest(store_id="x", name="Fine Crafts")), "store"),
        (lambda api: api.EnableParticipation(pb.EnableParticipationRequest(store_id="x")), "store"),
        (lambda api: api.DisableParticipation(pb.DisableParticipationRequest(store_id="x")), "store"),
        (lambda api: api.CloseStore(pb.CloseStoreRequest(store_id="x")), "store"),
        (lambda api: get_store(api, "x"), "store"),
        (lambda api: api.GetCatalogue(pb.GetCatalogueRequest(store_id="x")), "store"),
        (
            lambda api: api.AddProduct(
                pb.AddProductRequest(store_id="x", name="Clay", sku="C-1", price=500, currency="EUR")
            ),
            "store",
        ),
        (lambda api: api.RebrandProduct(pb.RebrandProductRequest(product_id="x", name="Fine Clay")), "product"),
        (lambda api: api.IncreaseProductPrice(pb.IncreaseProductPriceRequest(product_id="x", price=1)), "product"),
        (lambda api: api.DecreaseProductPrice(pb.DecreaseProductPriceRequest(product_id="x", price=1)), "product"),
        (lambda api: api.RemoveProduct(pb.RemoveProductRequest(product_id="x")), "product"),
        (lambda api: get_product(api, "x"), "product"),
    ],
)
def test_an_unknown_id_is_not_found(api: StoresApi, shop: Shop, call: Callable[[Any], object], kind: str) -> None:
    with pytest.raises(NotFound, match=f"no {kind} has the id 'x'"):
        call(api)

    assert (shop.stores.published, shop.products.published, shop.skus.claimed) == ([], [], {})
