"""The declaration: which steps in which order, and what each says to whom."""

from collections.abc import Callable
from typing import Any

import pytest

from contexts.customers import contract as customers
from contexts.customers.contract import AuthorizeCustomer
from contexts.depot import contract as depot
from contexts.depot.contract import CancelShoppingList, CreateShoppingList, ScheduleShopping
from contexts.depot.contract import Item as ItemToShop
from contexts.ordering.application.approve_order import ApproveOrder
from contexts.ordering.application.order_process import order_process
from contexts.ordering.application.reject_order import RejectOrder
from contexts.ordering.contract import Item, OrderCancelled, OrderCreated
from contexts.payments import contract as payments
from contexts.payments.contract import ConfirmPayment, ReleasePayment
from mallbots_platform.sagas import Facts, Step

CREATED = OrderCreated(
    order_id="o",
    customer_id="ada",
    payment_id="pay",
    items=(
        Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
        Item(product_id="assam", store_id="teas", name="Assam", store_name="Teas", quantity=1, price=1250),
    ),
    total=2250,
    currency="EUR",
)
FACTS = Facts(CREATED, {"shopping_list_id": "list"}, reason="payment declined")
DO = {
    "authorize customer": AuthorizeCustomer(customer_id="ada", order_id="o"),
    "create shopping list": CreateShoppingList(
        order_id="o",
        items=(
            ItemToShop(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2),
            ItemToShop(product_id="assam", store_id="teas", name="Assam", store_name="Teas", quantity=1),
        ),
    ),
    "confirm payment": ConfirmPayment(payment_id="pay", order_id="o", customer_id="ada", amount=2250, currency="EUR"),
    "schedule shopping": ScheduleShopping(order_id="o"),
}
UNDO = {
    "create shopping list": CancelShoppingList(order_id="o"),
    "confirm payment": ReleasePayment(payment_id="pay", order_id="o", customer_id="ada"),
}
TAKERS = {"customers": customers.CONTRACT, "depot": depot.CONTRACT, "payments": payments.CONTRACT}
Steps = pytest.mark.parametrize("step", order_process.steps, ids=lambda step: step.name)


def test_the_order_process_reads_from_top_to_bottom() -> None:
    steps = [(step.name, step.to, step.undo is not None) for step in order_process.steps]

    assert steps == [
        ("authorize customer", "customers", False),
        ("create shopping list", "depot", True),
        ("confirm payment", "payments", True),
        ("schedule shopping", "depot", False),
    ]


@Steps
def test_what_a_step_asks_for(step: Step[OrderCreated]) -> None:
    assert step.do(FACTS) == DO[step.name]


@Steps
def test_what_undoes_a_step(step: Step[OrderCreated]) -> None:
    undo = step.undo(FACTS) if step.undo else None

    assert undo == UNDO.get(step.name)


@Steps
def test_each_participant_takes_what_it_is_sent(step: Step[OrderCreated]) -> None:
    asked: list[Callable[[Facts[Any]], object]] = [step.do, *([step.undo] if step.undo else [])]

    assert {type(make(FACTS)) for make in asked} <= set(TAKERS[step.to].commands)


@Steps
def test_a_step_has_several_attempts(step: Step[OrderCreated]) -> None:
    assert (step.attempts > 1, step.timeout_seconds > 0) == (True, True)


def test_the_process_ends_with_an_approval() -> None:
    assert order_process.ends_with(FACTS) == ApproveOrder(order_id="o", shopping_list_id="list")


def test_the_process_fails_with_a_rejection() -> None:
    assert order_process.fails_with(FACTS) == RejectOrder(order_id="o", reason="payment declined")


def test_what_begins_and_what_stops_the_process() -> None:
    cancelled = OrderCancelled(order_id="o", customer_id="ada", reason="changed my mind")

    assert (order_process.name, order_process.begins_on, order_process.cancels_on) == (
        "order",
        OrderCreated,
        OrderCancelled,
    )
    assert (order_process.key(CREATED), order_process.key(cancelled)) == ("o", "o")
