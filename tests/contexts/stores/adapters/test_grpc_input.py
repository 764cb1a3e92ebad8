"""Every field of every request, wrong: it is named, and nothing changes."""

from typing import Any

import pytest
from google.protobuf.message import Message

from contexts.stores.adapters.grpc_api import StoresApi
from contexts.stores.contract import stores_pb2 as pb
from mallbots_platform.errors import InvalidInput
from mallbots_platform.paging import LARGEST_SIZE
from mallbots_platform.validation import LARGEST_AMOUNT, LONGEST_TEXT
from tests.contexts.stores.shop import Shop

METHODS = pb.DESCRIPTOR.services_by_name["StoresService"].methods
GOOD: dict[str, Message] = {
    "OpenStore": pb.OpenStoreRequest(name="Teas", location="level 2"),
    "RebrandStore": pb.RebrandStoreRequest(store_id="s", name="Fine Crafts"),
    "EnableParticipation": pb.EnableParticipationRequest(store_id="s"),
    "DisableParticipation": pb.DisableParticipationRequest(store_id="s"),
    "CloseStore": pb.CloseStoreRequest(store_id="s"),
    "GetStore": pb.GetStoreRequest(store_id="s"),
    "ListStores": pb.ListStoresRequest(),
    "ListParticipatingStores": pb.ListParticipatingStoresRequest(),
    "AddProduct": pb.AddProductRequest(store_id="s", name="Slip", sku="S-1", price=500, currency="EUR"),
    "RebrandProduct": pb.RebrandProductRequest(product_id="p", name="Fine Clay"),
    "IncreaseProductPrice": pb.IncreaseProductPriceRequest(product_id="p", price=600),
    "DecreaseProductPrice": pb.DecreaseProductPriceRequest(product_id="p", price=400),
    "RemoveProduct": pb.RemoveProductRequest(product_id="p"),
    "GetProduct": pb.GetProductRequest(product_id="p"),
    "GetCatalogue": pb.GetCatalogueRequest(store_id="s"),
}
TOO_LONG = "x" * (LONGEST_TEXT + 1)
WRONG_ID = ["", " ", "a b", "x" * 101, "ä"]
WRONG_TEXT = ["", " ", "a\nb", TOO_LONG]
WRONG: dict[str, list[Any]] = {
    "store_id": WRONG_ID,
    "product_id": WRONG_ID,
    "name": WRONG_TEXT,
    "location": WRONG_TEXT,
    "description": ["a\nb", TOO_LONG],
    "sku": ["", " ", "a\tb", "x" * 101],
    "price": [0, -1, LARGEST_AMOUNT + 1],
    "currency": ["", "eur", "EURO", "€UR"],
    "page_size": [-1, LARGEST_SIZE + 1],
    "page_token": ["=", "a b", "€", "_w"],
}
FIELDS = [(method.name, field.name) for method in METHODS for field in method.input_type.fields]


def state_of(shop: Shop) -> object:
    told = (list(shop.stores.published), list(shop.products.published))
    return told, dict(shop.skus.claimed), dict(shop.mall.shown), dict(shop.catalogue.shown)


@pytest.mark.parametrize(
    ("method", "field", "wrong"), [(method, field, wrong) for method, field in FIELDS for wrong in WRONG[field]]
)
def test_a_wrong_field_is_named_and_nothing_changes(method: str, field: str, wrong: Any) -> None:
    shop = Shop()
    shop.opens("s")
    shop.adds("p")
    api = StoresApi(shop.stores, shop.products, shop.skus, shop.mall, shop.catalogue, lambda: "new")
    before = state_of(shop)
    request = type(GOOD[method])()
    request.CopyFrom(GOOD[method])
    setattr(request, field, wrong)

    with pytest.raises(InvalidInput) as refusal:
        getattr(api, method)(request)

    assert refusal.value.field == field
    assert state_of(shop) == before


@pytest.mark.parametrize("name", ["Ä", "x" * LONGEST_TEXT, "O'Neill; DROP TABLE mall --"])
def test_any_printable_name_is_fine(name: str) -> None:
    shop = Shop()
    api = StoresApi(shop.stores, shop.products, shop.skus, shop.mall, shop.catalogue, lambda: "new")

    api.OpenStore(pb.OpenStoreRequest(name=name, location="level 1"))

    assert api.GetStore(pb.GetStoreRequest(store_id="new")).store.name == name
