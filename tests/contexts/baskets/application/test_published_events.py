import pytest

from contexts.baskets import contract
from contexts.baskets.application.published_events import published_events
from contexts.baskets.domain import Basket, events
from mallbots_platform.testing import given
from tests.contexts.baskets.kiosk import ASSAM, CLAY, CRAFTS, TEAS, added

BASKET = given(Basket, events.BasketStarted(customer_id="ada"), added(CLAY, CRAFTS, 2), added(ASSAM, TEAS, 1), id="b")
ITEMS = (
    contract.Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
    contract.Item(
        product_id="assam", store_id="teas", name="Assam", store_name="Teas of the World", quantity=1, price=1250
    ),
)
TOLD = [
    (events.BasketStarted(customer_id="ada"), contract.BasketStarted(basket_id="b", customer_id="ada")),
    (
        events.BasketCheckedOut(payment_id="pay"),
        contract.BasketCheckedOut(
            basket_id="b", customer_id="ada", payment_id="pay", items=ITEMS, total=2250, currency="EUR"
        ),
    ),
    (events.BasketCancelled(), contract.BasketCancelled(basket_id="b")),
    (events.BasketAbandoned(), contract.BasketAbandoned(basket_id="b")),
]
KEPT = [added(CLAY, CRAFTS, 1), events.ItemRemoved(product_id="clay", quantity=1)]


@pytest.mark.parametrize(("own", "published"), TOLD)
def test_what_a_basket_publishes(own: object, published: object) -> None:
    assert list(published_events(BASKET, own)) == [published]


@pytest.mark.parametrize("own", KEPT)
def test_what_a_basket_keeps_to_itself(own: object) -> None:
    assert list(published_events(BASKET, own)) == []


def test_every_event_is_told_or_kept() -> None:
    known = {type(own) for own, _ in TOLD} | {type(own) for own in KEPT}

    assert known == set(events.BASKET_EVENTS)
    assert {type(published) for _, published in TOLD} == set(contract.CONTRACT.events)
