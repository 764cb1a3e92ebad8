from dataclasses import replace

import pytest

from contexts.ordering.domain import (
    Order,
    OrderIsApproved,
    OrderIsCancelled,
    OrderIsCompleted,
    OrderIsNotCompleted,
    Status,
)
from contexts.ordering.domain.events import (
    GoodsArrived,
    ItemReduced,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)
from mallbots_platform.testing import given
from tests.contexts.ordering.histories import APPROVED, ASSAM, CLAY, CREATED, HISTORIES


def order_in(state: str) -> Order:
    return given(Order, *HISTORIES[state])


def test_an_order_is_created_pending() -> None:
    order = Order.create("1", "ada", "pay", items=(CLAY, ASSAM), currency="EUR")

    assert order.recorded == (CREATED,)
    assert (order.status, order.is_over) == (Status.PENDING, False)
    assert (order.customer_id, order.payment_id, order.items) == ("ada", "pay", (CLAY, ASSAM))
    assert (order.total, order.currency) == (2 * 500 + 1250, "EUR")


def test_an_approved_order_knows_its_shopping_list() -> None:
    order = order_in("pending")

    order.approve("list")

    assert order.recorded == (OrderApproved(shopping_list_id="list"),)
    assert (order.status, order.shopping_list_id) == (Status.APPROVED, "list")


def test_a_rejected_order_says_why() -> None:
    order = order_in("pending")

    order.reject("payment declined")

    assert order.recorded == (OrderRejected(reason="payment declined"),)
    assert (order.status, order.reason, order.is_over) == (Status.REJECTED, "payment declined", True)


def test_a_cancelled_order_says_why() -> None:
    order = order_in("approved")

    order.cancel("changed my mind")

    assert order.recorded == (OrderCancelled(reason="changed my mind"),)
    assert (order.status, order.reason, order.is_over) == (Status.CANCELLED, "changed my mind", True)


def test_cannot_approve_a_cancelled_order() -> None:
    order = given(Order, CREATED, OrderCancelled(reason="changed my mind"))

    with pytest.raises(OrderIsCancelled, match="order 1 is cancelled"):
        order.approve("list")
    assert order.recorded == ()


def test_an_order_that_is_ready_completes_when_paid() -> None:
    order = order_in("approved")

    order.mark_ready()
    order.mark_paid()

    assert order.recorded == (OrderReadied(), OrderPaid(), OrderCompleted())
    assert order.status is Status.COMPLETED


def test_an_order_that_is_paid_completes_when_ready() -> None:
    order = order_in("approved")

    order.mark_paid()
    order.mark_ready()

    assert order.recorded == (OrderPaid(), OrderReadied(), OrderCompleted())
    assert order.status is Status.COMPLETED


def test_goods_that_arrive_early_are_not_forgotten() -> None:
    order = order_in("pending")

    order.mark_ready()
    order.approve("list")

    assert order.recorded == (GoodsArrived(), OrderApproved(shopping_list_id="list"), OrderReadied())
    assert order.status is Status.READY


def test_goods_that_arrive_do_not_stop_a_rejection() -> None:
    order = order_in("pending, goods there")

    order.reject("payment declined")

    assert order.status is Status.REJECTED


@pytest.mark.parametrize("state", ["approved", "ready", "paid"])
def test_goods_are_not_handed_over_too_early(state: str) -> None:
    order = order_in(state)

    with pytest.raises(OrderIsNotCompleted, match="its goods must be at the depot, and paid"):
        order.hand_over()
    assert order.recorded == ()


def test_a_completed_order_is_handed_over() -> None:
    order = order_in("completed")

    order.hand_over()

    assert order.recorded == (OrderCollected(),)
    assert order.status is Status.COLLECTED


def test_a_completed_order_cannot_be_cancelled() -> None:
    order = order_in("completed")

    with pytest.raises(OrderIsCompleted):
        order.cancel("changed my mind")
    assert order.recorded == ()


def test_missing_pieces_are_taken_off() -> None:
    order = order_in("approved")

    order.reduce("clay", 1)

    assert order.recorded == (ItemReduced(product_id="clay", quantity=1),)
    assert order.items == (replace(CLAY, quantity=1), ASSAM)
    assert order.total == 500 + 1250


def test_a_product_without_pieces_goes() -> None:
    order = order_in("paid")

    order.reduce("clay", 2)

    assert (order.items, order.status) == ((ASSAM,), Status.PAID)


def test_no_more_pieces_are_missing_than_were_ordered() -> None:
    order = order_in("approved")

    order.reduce("clay", 7)

    assert order.recorded == (ItemReduced(product_id="clay", quantity=2),)


@pytest.mark.parametrize("state", ["pending", "pending, goods there", "approved", "paid"])
def test_an_order_without_goods_is_cancelled(state: str) -> None:
    order = order_in(state)

    order.reduce("clay", 2)
    order.reduce("assam", 1)

    assert order.recorded[-1] == OrderCancelled(reason="none of its goods could be had")
    assert (order.status, order.items, order.total) == (Status.CANCELLED, (), 0)


@pytest.mark.parametrize("product_id", ["wool", "gone"])
def test_what_was_not_ordered_cannot_be_missing(product_id: str) -> None:
    order = given(Order, CREATED, APPROVED, ItemReduced(product_id="clay", quantity=2))

    order.reduce(product_id, 1)
    order.reduce("clay", 1)

    assert (order.recorded, order.status) == ((), Status.APPROVED)


def test_nothing_is_missing_once_the_goods_arrived() -> None:
    order = order_in("ready")

    with pytest.raises(OrderIsApproved):
        order.reduce("clay", 1)
    assert order.items == (CLAY, ASSAM)
