import pytest

from contexts.stores import contract
from contexts.stores.application.published_events import published_events
from contexts.stores.domain import Product, Store, events
from mallbots_platform.testing import given

STORE = given(Store, events.StoreOpened(name="Crafts", location="level 1"), id="s")
PRODUCT = given(
    Product,
    events.ProductAdded(store_id="s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR"),
    id="p",
)


@pytest.mark.parametrize(
    ("own", "published"),
    [
        (
            events.StoreOpened(name="Crafts", location="level 1"),
            contract.StoreOpened(store_id="s", name="Crafts", location="level 1", version=1),
        ),
        (events.StoreRebranded(name="Fine"), contract.StoreRebranded(store_id="s", name="Fine", version=1)),
        (events.StoreParticipationEnabled(), contract.StoreParticipationEnabled(store_id="s", version=1)),
        (events.StoreParticipationDisabled(), contract.StoreParticipationDisabled(store_id="s", version=1)),
        (events.StoreClosed(), contract.StoreClosed(store_id="s", version=1)),
    ],
)
def test_what_a_store_publishes(own: object, published: object) -> None:
    assert list(published_events(STORE, own)) == [published]


@pytest.mark.parametrize(
    ("own", "published"),
    [
        (
            events.ProductAdded(store_id="s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR"),
            contract.ProductAdded(
                product_id="p", store_id="s", name="Clay", sku="C-1", price=500, currency="EUR", version=1
            ),
        ),
        (
            events.ProductRebranded(name="Fine Clay", description=""),
            contract.ProductRebranded(product_id="p", store_id="s", name="Fine Clay", version=1),
        ),
        (
            events.ProductPriceIncreased(price=600),
            contract.ProductPriceChanged(product_id="p", store_id="s", price=600, currency="EUR", version=1),
        ),
        (
            events.ProductPriceDecreased(price=400),
            contract.ProductPriceChanged(product_id="p", store_id="s", price=400, currency="EUR", version=1),
        ),
        (events.ProductRemoved(), contract.ProductRemoved(product_id="p", store_id="s", version=1)),
    ],
)
def test_what_a_product_publishes(own: object, published: object) -> None:
    assert list(published_events(PRODUCT, own)) == [published]
