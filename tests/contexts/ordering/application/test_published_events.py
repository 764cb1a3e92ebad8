import pytest

from contexts.ordering import contract
from contexts.ordering.application.published_events import published_events
from contexts.ordering.domain import Order, events
from mallbots_platform.sagas import PROCESS_EVENTS, Began, Ended, SagaProcess, State
from mallbots_platform.testing import given
from tests.contexts.ordering.histories import APPROVED, CREATED

ORDER = given(Order, CREATED, APPROVED, events.ItemReduced(product_id="clay", quantity=1), id="o")
ITEMS = (
    contract.Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=1, price=500),
    contract.Item(
        product_id="assam", store_id="teas", name="Assam", store_name="Teas of the World", quantity=1, price=1250
    ),
)
TOLD = [
    (
        CREATED,
        contract.OrderCreated(
            order_id="o", customer_id="ada", payment_id="pay", items=ITEMS, total=1750, currency="EUR"
        ),
    ),
    (
        APPROVED,
        contract.OrderApproved(
            order_id="o", customer_id="ada", shopping_list_id="list", payment_id="pay", total=1750, currency="EUR"
        ),
    ),
    (
        events.OrderRejected(reason="declined"),
        contract.OrderRejected(order_id="o", customer_id="ada", reason="declined"),
    ),
    (
        events.ItemReduced(product_id="clay", quantity=1),
        contract.OrderAdjusted(order_id="o", customer_id="ada", items=ITEMS, total=1750, currency="EUR"),
    ),
    (events.OrderReadied(), contract.OrderReadied(order_id="o", customer_id="ada")),
    (events.OrderPaid(), contract.OrderPaid(order_id="o", customer_id="ada")),
    (events.OrderCompleted(), contract.OrderCompleted(order_id="o", customer_id="ada", total=1750, currency="EUR")),
    (events.OrderCollected(), contract.OrderCollected(order_id="o", customer_id="ada")),
    (events.OrderCancelled(reason="no"), contract.OrderCancelled(order_id="o", customer_id="ada", reason="no")),
]


@pytest.mark.parametrize(("own", "published"), TOLD)
def test_what_an_order_publishes(own: object, published: object) -> None:
    assert list(published_events(ORDER, own)) == [published]


def test_goods_that_arrive_early_are_kept_to_itself() -> None:
    assert list(published_events(ORDER, events.GoodsArrived())) == []


def test_every_event_is_told_or_kept() -> None:
    told = {type(own) for own, _ in TOLD}

    assert told | {events.GoodsArrived} == set(events.ORDER_EVENTS)
    assert {type(published) for _, published in TOLD} == set(contract.CONTRACT.events)


def test_an_order_says_that_nothing_is_left() -> None:
    order = given(Order, CREATED, APPROVED, id="o")

    order.reduce("clay", 2)
    order.reduce("assam", 1)

    said = [message for event in order.recorded[1:] for message in published_events(order, event)]
    assert said == [
        contract.OrderAdjusted(order_id="o", customer_id="ada", items=(), total=0, currency="EUR"),
        contract.OrderCancelled(order_id="o", customer_id="ada", reason="none of its goods could be had"),
    ]


@pytest.mark.parametrize("step", [Began(data="{}"), Ended(state=State.COMPLETED)])
def test_the_order_process_publishes_nothing(step: object) -> None:
    process = given(SagaProcess, step, id="order:o")

    assert type(step) in PROCESS_EVENTS
    assert list(published_events(process, step)) == []
