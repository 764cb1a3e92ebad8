from typing import Any

import pytest

from contexts.ordering.adapters.grpc_api import STATUS_NAMES, OrderingApi
from contexts.ordering.contract import ordering_pb2 as pb
from contexts.ordering.domain import Order, OrderIsCompleted, OrderIsNotCompleted, Status
from mallbots_platform.errors import InvalidInput, NotFound
from tests.contexts.ordering.counter import Counter
from tests.contexts.ordering.histories import HISTORIES, STATUSES

BAD_IDS = ["", " ", "a b", "ä", "a/b", "a\n", "x" * 101]
BAD_REASONS = ["", "  ", "a\nb", "x" * 501]
BAD_STATUSES: list[Any] = [9, 99, -1]
BAD_TOKENS = ["!", "not base64", "AAAA", "8J-Y"]


class Desk:
    """The API over ports in memory."""

    def __init__(self) -> None:
        self.counter = Counter()
        self.api = OrderingApi(self.counter.orders, self.counter.order_list)

    def call(self, question: Any) -> Any:
        return getattr(self.api, type(question).__name__.removesuffix("Request"))(question)

    def has(self, order_id: str, state: str) -> None:
        order = Order(id=order_id)
        for event in HISTORIES[state]:
            order.record(event)
        self.counter.orders.add(order)
        self.counter.order_list.show(order)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.counter.creates("o")
    return desk


def malformed() -> list[tuple[Any, str]]:
    """Requests with one bad field each, and its name."""
    return [
        *((pb.GetOrderRequest(order_id=bad), "order_id") for bad in BAD_IDS),
        *((pb.HandOverRequest(order_id=bad), "order_id") for bad in BAD_IDS),
        *((pb.CancelOrderRequest(order_id=bad, reason="no"), "order_id") for bad in BAD_IDS),
        *((pb.CancelOrderRequest(order_id="o", reason=bad), "reason") for bad in BAD_REASONS),
        *((pb.ListOrdersRequest(page_size=bad), "page_size") for bad in (-1, 101, 2**31 - 1)),
        *((pb.ListOrdersRequest(page_token=bad), "page_token") for bad in BAD_TOKENS),
        *((pb.ListOrdersRequest(status=bad), "status") for bad in BAD_STATUSES),
    ]


@pytest.mark.parametrize(("question", "field"), malformed())
def test_a_bad_field_is_named_and_nothing_stored(desk: Desk, question: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        desk.call(question)

    assert refusal.value.field == field
    assert len(desk.counter.orders.published) == 1


@pytest.mark.parametrize(
    "question",
    [
        pb.GetOrderRequest(order_id="none"),
        pb.CancelOrderRequest(order_id="none", reason="no"),
        pb.HandOverRequest(order_id="none"),
    ],
    ids=lambda question: type(question).__name__,
)
def test_an_unknown_order_is_not_found(desk: Desk, question: Any) -> None:
    with pytest.raises(NotFound, match="no order has the id 'none'"):
        desk.call(question)

    assert [order.id for order in desk.counter.orders.all()] == ["o"]


def test_an_order_is_shown_with_all_it_has(desk: Desk) -> None:
    desk.counter.approves()
    desk.counter.cancels()

    assert desk.call(pb.GetOrderRequest(order_id="o")).order == pb.Order(
        order_id="o",
        customer_id="ada",
        payment_id="pay",
        shopping_list_id="list",
        status=pb.ORDER_STATUS_CANCELLED,
        items=[
            pb.Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
            pb.Item(
                product_id="assam",
                store_id="teas",
                name="Assam",
                store_name="Teas of the World",
                quantity=1,
                price=1250,
            ),
        ],
        total=2250,
        currency="EUR",
        reason="changed my mind",
        version=3,
    )


@pytest.mark.parametrize("state", HISTORIES)
def test_each_state_has_its_name(state: str) -> None:
    desk = Desk()
    desk.has("x", state)

    shown = desk.call(pb.GetOrderRequest(order_id="x")).order.status
    listed = desk.call(pb.ListOrdersRequest(status=shown)).orders

    assert pb.OrderStatus.Name(shown) == f"ORDER_STATUS_{STATUSES[state].name}"
    assert [(order.order_id, order.status) for order in listed] == [("x", shown)]


def test_every_status_has_a_name_of_its_own() -> None:
    assert set(STATUS_NAMES) == set(Status)
    assert sorted(STATUS_NAMES.values()) == sorted(set(pb.OrderStatus.values()) - {pb.ORDER_STATUS_UNSPECIFIED})


def test_a_pending_order_is_cancelled(desk: Desk) -> None:
    answer = desk.call(pb.CancelOrderRequest(order_id="o", reason="changed my mind"))

    assert answer == pb.CancelOrderResponse()
    assert desk.counter.orders.get("o").status is Status.CANCELLED
    assert desk.counter.orders.get("o").reason == "changed my mind"


def test_a_completed_order_is_handed_over_not_cancelled(desk: Desk) -> None:
    desk.has("x", "completed")

    with pytest.raises(OrderIsCompleted):
        desk.call(pb.CancelOrderRequest(order_id="x", reason="changed my mind"))
    desk.call(pb.HandOverRequest(order_id="x"))

    assert desk.counter.orders.get("x").status is Status.COLLECTED


def test_an_order_is_not_handed_over_too_early(desk: Desk) -> None:
    desk.has("x", "paid")

    with pytest.raises(OrderIsNotCompleted):
        desk.call(pb.HandOverRequest(order_id="x"))

    assert desk.counter.orders.get("x").status is Status.PAID


def test_orders_are_listed_page_by_page(desk: Desk) -> None:
    for order_id in ("p", "q"):
        desk.counter.creates(order_id)

    first = desk.call(pb.ListOrdersRequest(page_size=2))
    second = desk.call(pb.ListOrdersRequest(page_size=2, page_token=first.next_page_token))

    assert [order.order_id for order in first.orders] == ["o", "p"]
    assert [order.order_id for order in second.orders] == ["q"]
    assert second.next_page_token == ""


def test_a_listed_order_says_the_essential(desk: Desk) -> None:
    [listed] = desk.call(pb.ListOrdersRequest()).orders

    assert listed == pb.OrderSummary(
        order_id="o", customer_id="ada", status=pb.ORDER_STATUS_PENDING, total=2250, currency="EUR"
    )


def test_orders_of_other_states_are_left_out(desk: Desk) -> None:
    desk.counter.creates("p")
    desk.counter.approves("p")

    listed = desk.call(pb.ListOrdersRequest(status=pb.ORDER_STATUS_APPROVED)).orders

    assert [order.order_id for order in listed] == ["p"]


def test_an_empty_list_has_no_next_page() -> None:
    assert Desk().call(pb.ListOrdersRequest(page_size=1)) == pb.ListOrdersResponse()


def test_orders_are_counted_by_state(desk: Desk) -> None:
    desk.counter.creates("p")
    desk.counter.approves("p")

    counts = desk.call(pb.CountOrdersRequest()).counts

    assert dict(counts) == {status.value: 0 for status in Status} | {"pending": 1, "approved": 1}
