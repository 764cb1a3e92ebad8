from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, lists

from contexts.payments.contract import (
    InvoiceAdjusted,
    InvoiceCancelled,
    InvoiceIssued,
    InvoicePaid,
    InvoiceRefunded,
)
from contexts.payments.domain import InvoiceStatus
from mallbots_platform.errors import AlreadyExists
from tests.contexts.payments.desk import Desk, adjusted, approved, cancelled


def test_an_approved_order_gets_its_invoice() -> None:
    desk = Desk()

    desk.hears(approved(total=500))

    assert desk.told == [InvoiceIssued(order_id="o", customer_id="c", amount=500, currency="EUR")]


def test_a_repeated_approval_is_known_as_a_duplicate() -> None:
    desk = Desk()
    desk.hears(approved(total=500))

    with pytest.raises(AlreadyExists):
        desk.hears(approved(total=500))

    assert len(desk.told) == 1


def test_an_adjustment_before_the_approval_changes_nothing() -> None:
    desk = Desk()

    desk.hears(adjusted(total=300), approved(total=300))

    assert desk.told == [InvoiceIssued(order_id="o", customer_id="c", amount=300, currency="EUR")]


def test_an_adjustment_lowers_the_invoice() -> None:
    desk = Desk()

    desk.hears(approved(total=500), adjusted(total=300))

    assert desk.told[1:] == [InvoiceAdjusted(order_id="o", amount=300, refunded=0, currency="EUR")]


def test_an_adjustment_gives_back_what_was_paid_too_much() -> None:
    desk = Desk()
    desk.hears(approved(total=500))
    desk.takes_money()

    desk.hears(adjusted(total=300))

    assert desk.told[2:] == [InvoiceAdjusted(order_id="o", amount=300, refunded=200, currency="EUR")]


def test_the_same_adjustment_twice_gives_back_once() -> None:
    desk = Desk()
    desk.hears(approved(total=500))
    desk.takes_money()

    desk.hears(adjusted(total=300), adjusted(total=300))

    assert desk.invoices.get("o").refunded == 200


def test_a_cancelled_order_need_not_be_paid() -> None:
    desk = Desk()

    desk.hears(approved(total=500), cancelled())

    assert desk.told[1:] == [InvoiceCancelled(order_id="o")]


def test_a_cancelled_order_that_was_paid_is_refunded() -> None:
    desk = Desk()
    desk.hears(approved(total=500))
    desk.takes_money()

    desk.hears(cancelled())

    assert desk.told[2:] == [InvoiceRefunded(order_id="o", amount=500, currency="EUR")]


def test_an_order_cancelled_before_approval_never_had_an_invoice() -> None:
    desk = Desk()

    desk.hears(cancelled())

    assert (desk.told, desk.invoices.all()) == ([], [])


def test_a_paid_order_of_which_nothing_is_left_is_refunded_once() -> None:
    desk = Desk()
    desk.hears(approved(total=500))
    desk.takes_money()

    desk.hears(adjusted(total=0), cancelled())

    assert desk.told[2:] == [
        InvoiceAdjusted(order_id="o", amount=0, refunded=500, currency="EUR"),
        InvoiceRefunded(order_id="o", amount=0, currency="EUR"),
    ]


def refund_by_staff(desk: Desk) -> None:
    desk.takes_money()
    desk.gives_back()


def cancel_first(desk: Desk) -> None:
    desk.hears(cancelled())


@pytest.mark.parametrize("end", [refund_by_staff, cancel_first])
def test_an_invoice_that_is_over_hears_no_more(end: Callable[[Desk], None]) -> None:
    desk = Desk()
    desk.hears(approved(total=500))
    end(desk)
    told = list(desk.told)

    desk.hears(adjusted(total=300), cancelled())

    assert desk.told == told


@settings(max_examples=100)
@given(
    before=lists(integers(0, 200), max_size=2),
    after=lists(integers(0, 200), max_size=4),
    paid_at=integers(0, 6),
    refunded_by_staff=booleans(),
    is_cancelled=booleans(),
)
def test_whatever_an_order_goes_through_the_money_is_right(
    before: Sequence[int], after: Sequence[int], paid_at: int, refunded_by_staff: bool, is_cancelled: bool
) -> None:
    """Its events arrive in the order in which they are published; the customer pays at any moment, or never."""
    desk, total = Desk(), 1000
    for less in before:
        total -= less
        desk.hears(adjusted(total))
    desk.hears(approved(total))

    for step, less in enumerate([*after, 0]):
        if step == paid_at:
            desk.takes_money()
            if refunded_by_staff:
                desk.gives_back()
        total = max(0, total - less)
        desk.hears(adjusted(total))
    if is_cancelled:
        desk.hears(cancelled())

    is_paid, invoice = paid_at <= len(after), desk.invoices.get("o")
    assert invoice.kept == (total if is_paid and not is_cancelled and not refunded_by_staff else 0)
    assert invoice.is_over == (is_cancelled or (is_paid and refunded_by_staff))
    assert len(desk.told_of([InvoicePaid])) == is_paid
    assert (invoice.status is InvoiceStatus.CANCELLED) == (is_cancelled and not is_paid)
