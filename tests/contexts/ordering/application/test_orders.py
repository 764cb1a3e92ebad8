from collections.abc import Callable

import pytest

from contexts.ordering.application.ports import OrderSummary
from contexts.ordering.domain import OrderIsCancelled, OrderIsNotApproved, Status
from contexts.ordering.domain.events import (
    ItemReduced,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.ordering.counter import Counter
from tests.contexts.ordering.histories import CREATED

USE_CASES = [
    Counter.approves,
    Counter.rejects,
    Counter.reduces,
    Counter.marks_ready,
    Counter.marks_paid,
    Counter.hands_over,
    Counter.cancels,
]
STORIES: list[tuple[list[Callable[[Counter], None]], list[object], Status]] = [
    ([Counter.approves], [OrderApproved(shopping_list_id="list")], Status.APPROVED),
    ([Counter.rejects], [OrderRejected(reason="payment declined")], Status.REJECTED),
    ([Counter.reduces], [ItemReduced(product_id="clay", quantity=1)], Status.PENDING),
    ([Counter.approves, Counter.marks_ready], [OrderReadied()], Status.READY),
    ([Counter.approves, Counter.marks_paid], [OrderPaid()], Status.PAID),
    ([Counter.marks_ready, Counter.approves], [OrderApproved(shopping_list_id="list"), OrderReadied()], Status.READY),
    ([Counter.approves, Counter.marks_paid, Counter.marks_ready], [OrderReadied(), OrderCompleted()], Status.COMPLETED),
    ([Counter.approves, Counter.marks_ready, Counter.marks_paid], [OrderPaid(), OrderCompleted()], Status.COMPLETED),
    (
        [Counter.approves, Counter.marks_ready, Counter.marks_paid, Counter.hands_over],
        [OrderCollected()],
        Status.COLLECTED,
    ),
    ([Counter.approves, Counter.cancels], [OrderCancelled(reason="changed my mind")], Status.CANCELLED),
]


@pytest.fixture
def counter() -> Counter:
    counter = Counter()
    counter.creates("o")
    return counter


def test_a_created_order_is_kept_and_listed(counter: Counter) -> None:
    assert counter.orders.published == [CREATED]
    assert counter.orders.get("o").status is Status.PENDING
    assert counter.order_list.orders("", 9) == [
        OrderSummary(order_id="o", customer_id="ada", status=Status.PENDING, total=2250, currency="EUR")
    ]


def test_an_order_is_created_only_once(counter: Counter) -> None:
    counter.approves()

    with pytest.raises(AlreadyExists):
        counter.creates("o", customer_id="eve")

    assert counter.orders.get("o").customer_id == "ada"
    assert counter.order_list.orders("", 9)[0].status is Status.APPROVED


@pytest.mark.parametrize(("story", "said", "status"), STORIES)
def test_what_was_done_is_kept_listed_and_published(
    counter: Counter, story: list[Callable[[Counter], None]], said: list[object], status: Status
) -> None:
    for use_case in story:
        use_case(counter)

    order = counter.orders.get("o")
    [shown] = counter.order_list.orders("", 9)
    assert order.status is status
    assert counter.orders.published[-len(said) :] == said
    assert (shown.status, shown.total) == (status, order.total)


def test_a_reduced_order_costs_less_on_the_list(counter: Counter) -> None:
    counter.reduces(quantity=2)

    assert counter.order_list.orders("", 9)[0].total == 1250


def test_an_emptied_order_is_listed_as_cancelled(counter: Counter) -> None:
    counter.reduces(product_id="clay", quantity=2)
    counter.reduces(product_id="assam", quantity=1)

    assert counter.order_list.counts()[Status.CANCELLED] == 1
    assert counter.orders.published[-1] == OrderCancelled(reason="none of its goods could be had")


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.__name__)
def test_an_unknown_order_is_not_found(counter: Counter, use_case: Callable[[Counter, str], None]) -> None:
    with pytest.raises(NotFound, match="no order has the id 'other'"):
        use_case(counter, "other")

    assert [order.id for order in counter.orders.all()] == ["o"]
    assert list(counter.order_list.shown) == ["o"]


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.__name__)
def test_a_cancelled_order_stays_cancelled(counter: Counter, use_case: Callable[[Counter], None]) -> None:
    counter.cancels()

    with pytest.raises(OrderIsCancelled):
        use_case(counter)

    assert counter.orders.published[-1] == OrderCancelled(reason="changed my mind")
    assert counter.order_list.orders("", 9)[0].status is Status.CANCELLED


def test_a_refusal_leaves_all_as_it_was(counter: Counter) -> None:
    with pytest.raises(OrderIsNotApproved):
        counter.marks_paid()

    assert counter.orders.published == [CREATED]
    assert counter.order_list.orders("", 9)[0].status is Status.PENDING
