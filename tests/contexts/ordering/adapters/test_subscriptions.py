from collections.abc import Callable
from typing import Any

import pytest

from contexts.baskets.contract import BasketCheckedOut
from contexts.baskets.contract import Item as ItemInBasket
from contexts.depot.contract import ItemMissing, ShoppingListCompleted
from contexts.ordering.adapters.subscriptions import Reactions
from contexts.ordering.domain import OrderIsNotApproved, Status
from contexts.ordering.domain.events import GoodsArrived, ItemReduced, OrderCancelled
from contexts.payments.contract import InvoicePaid
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.ordering.counter import Counter
from tests.contexts.ordering.histories import ASSAM, CLAY, CREATED

CHECKED_OUT = BasketCheckedOut(
    basket_id="o",
    customer_id="ada",
    payment_id="pay",
    items=(
        ItemInBasket(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
        ItemInBasket(
            product_id="assam", store_id="teas", name="Assam", store_name="Teas of the World", quantity=1, price=1250
        ),
    ),
    total=2250,
    currency="EUR",
)
ARRIVED = ShoppingListCompleted(order_id="o", shopping_list_id="list")
PAID = InvoicePaid(order_id="o", amount=2250, currency="EUR")
REACTION: dict[type, Callable[[Reactions, Any], None]] = {
    BasketCheckedOut: Reactions.on_basket_checked_out,
    ItemMissing: Reactions.on_item_missing,
    ShoppingListCompleted: Reactions.on_shopping_list_completed,
    InvoicePaid: Reactions.on_invoice_paid,
}


def missing(product_id: str = "clay", quantity: int = 1) -> ItemMissing:
    return ItemMissing(order_id="o", shopping_list_id="list", product_id=product_id, quantity=quantity)


class Listener:
    """Ordering, told of what happened elsewhere."""

    def __init__(self) -> None:
        self.counter = Counter()
        self.react = Reactions(self.counter.orders, self.counter.order_list)

    def hears(self, *events: object) -> None:
        for event in events:
            REACTION[type(event)](self.react, event)

    @property
    def status(self) -> Status:
        return self.counter.orders.get("o").status


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_a_checked_out_basket_becomes_an_order(listener: Listener) -> None:
    listener.hears(CHECKED_OUT)

    order = listener.counter.orders.get("o")
    assert listener.counter.orders.published == [CREATED]
    assert (order.items, order.total, order.status) == ((CLAY, ASSAM), CHECKED_OUT.total, Status.PENDING)


def test_a_basket_heard_of_twice_is_a_duplicate(listener: Listener) -> None:
    listener.hears(CHECKED_OUT)
    listener.counter.approves()

    with pytest.raises(AlreadyExists):
        listener.hears(CHECKED_OUT)

    assert listener.status is Status.APPROVED


def test_missing_goods_reduce_the_order(listener: Listener) -> None:
    listener.hears(CHECKED_OUT, missing("clay", 1))

    assert listener.counter.orders.published[-1] == ItemReduced(product_id="clay", quantity=1)
    assert listener.counter.orders.get("o").total == 1750


def test_missing_all_goods_cancels_the_order(listener: Listener) -> None:
    listener.hears(CHECKED_OUT, missing("clay", 2), missing("assam", 1))

    assert listener.status is Status.CANCELLED


@pytest.mark.parametrize("story", [[PAID, ARRIVED], [ARRIVED, PAID]], ids=["paid first", "ready first"])
def test_an_order_paid_and_ready_is_completed(listener: Listener, story: list[object]) -> None:
    listener.hears(CHECKED_OUT)
    listener.counter.approves()

    listener.hears(*story)

    assert listener.status is Status.COMPLETED


def test_goods_may_arrive_before_the_approval(listener: Listener) -> None:
    listener.hears(CHECKED_OUT, ARRIVED)
    assert listener.counter.orders.published[-1] == GoodsArrived()

    listener.counter.approves()

    assert listener.status is Status.READY


def test_a_payment_of_a_pending_order_is_refused(listener: Listener) -> None:
    listener.hears(CHECKED_OUT)

    with pytest.raises(OrderIsNotApproved):
        listener.hears(PAID)


@pytest.mark.parametrize("end", [Counter.rejects, Counter.cancels], ids=["rejected", "cancelled"])
@pytest.mark.parametrize("news", [missing(), ARRIVED, PAID], ids=lambda news: type(news).__name__)
def test_late_news_of_an_ended_order_changes_nothing(
    listener: Listener, end: Callable[[Counter], None], news: object
) -> None:
    listener.hears(CHECKED_OUT)
    end(listener.counter)
    said, status = list(listener.counter.orders.published), listener.status

    listener.hears(news)

    assert (listener.counter.orders.published, listener.status) == (said, status)


def test_more_missing_goods_change_nothing_any_more(listener: Listener) -> None:
    listener.hears(CHECKED_OUT, missing("clay", 2), missing("assam", 1), missing("assam", 1), ARRIVED)

    assert listener.counter.orders.published[-1] == OrderCancelled(reason="none of its goods could be had")


@pytest.mark.parametrize("news", [missing(), ARRIVED, PAID], ids=lambda news: type(news).__name__)
def test_news_of_an_unknown_order_is_not_found(listener: Listener, news: object) -> None:
    with pytest.raises(NotFound, match="no order has the id 'o'"):
        listener.hears(news)

    assert listener.counter.orders.all() == []
