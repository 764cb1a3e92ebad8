from collections.abc import Callable

import pytest

from contexts.payments.application.adjust_invoice import AdjustInvoice, adjust_invoice
from contexts.payments.application.cancel_invoice import CancelInvoice, cancel_invoice
from contexts.payments.application.issue_invoice import IssueInvoice, issue_invoice
from contexts.payments.contract import (
    InvoiceAdjusted,
    InvoiceCancelled,
    InvoiceIssued,
    InvoicePaid,
    InvoiceRefunded,
)
from contexts.payments.domain import AmountIsHigher, InvoiceIsNotPaid, InvoiceIsPaid, InvoiceStatus
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.payments.desk import Desk


def issue(desk: Desk, amount: int = 500) -> None:
    command = IssueInvoice(order_id="o", customer_id="c", amount=amount, currency="EUR")
    issue_invoice(command, desk.invoices)


def adjust(desk: Desk, amount: int = 300) -> None:
    adjust_invoice(AdjustInvoice(order_id="o", amount=amount), desk.invoices)


def cancel(desk: Desk) -> None:
    cancel_invoice(CancelInvoice(order_id="o"), desk.invoices)


def test_an_issued_invoice_is_kept_and_told() -> None:
    desk = Desk()

    issue(desk)

    kept = desk.invoices.get("o")
    assert (kept.status, kept.amount, kept.customer_id, kept.currency) == (InvoiceStatus.ISSUED, 500, "c", "EUR")
    assert desk.told == [InvoiceIssued(order_id="o", customer_id="c", amount=500, currency="EUR")]


def test_an_order_has_one_invoice() -> None:
    desk = Desk()
    issue(desk, 500)

    with pytest.raises(AlreadyExists):
        issue(desk, 700)

    assert desk.invoices.get("o").amount == 500


def test_a_paid_invoice_is_kept_and_told() -> None:
    desk = Desk()
    issue(desk)

    answer = desk.takes_money()

    assert (answer.status, answer.paid) == (InvoiceStatus.PAID, 500)
    assert desk.invoices.get("o").status is InvoiceStatus.PAID
    assert desk.told[1:] == [InvoicePaid(order_id="o", amount=500, currency="EUR")]


def test_an_invoice_is_paid_only_once() -> None:
    desk = Desk()
    issue(desk)
    desk.takes_money()

    with pytest.raises(InvoiceIsPaid):
        desk.takes_money()

    assert desk.told_of([InvoicePaid]) == [InvoicePaid(order_id="o", amount=500, currency="EUR")]


def test_an_adjustment_before_payment_lowers_the_price() -> None:
    desk = Desk()
    issue(desk)

    adjust(desk, 300)

    assert desk.takes_money().paid == 300
    assert desk.told[1:] == [
        InvoiceAdjusted(order_id="o", amount=300, refunded=0, currency="EUR"),
        InvoicePaid(order_id="o", amount=300, currency="EUR"),
    ]


def test_an_adjustment_after_payment_gives_the_difference_back() -> None:
    desk = Desk()
    issue(desk)
    desk.takes_money()

    adjust(desk, 300)

    assert desk.told[2:] == [InvoiceAdjusted(order_id="o", amount=300, refunded=200, currency="EUR")]
    assert desk.invoices.get("o").kept == 300


def test_an_invoice_cannot_be_adjusted_upwards() -> None:
    desk = Desk()
    issue(desk)

    with pytest.raises(AmountIsHigher):
        adjust(desk, 501)

    assert (desk.invoices.get("o").amount, len(desk.told)) == (500, 1)


def test_a_cancelled_invoice_is_kept_and_told() -> None:
    desk = Desk()
    issue(desk)

    cancel(desk)

    assert desk.invoices.get("o").status is InvoiceStatus.CANCELLED
    assert desk.told[1:] == [InvoiceCancelled(order_id="o")]


def test_a_paid_invoice_cannot_be_cancelled() -> None:
    desk = Desk()
    issue(desk)
    desk.takes_money()

    with pytest.raises(InvoiceIsPaid):
        cancel(desk)

    assert desk.invoices.get("o").status is InvoiceStatus.PAID


def test_a_refunded_invoice_is_kept_and_told() -> None:
    desk = Desk()
    issue(desk)
    desk.takes_money()
    adjust(desk, 300)

    answer = desk.gives_back()

    assert (answer.status, answer.refunded) == (InvoiceStatus.REFUNDED, 500)
    assert desk.told[3:] == [InvoiceRefunded(order_id="o", amount=300, currency="EUR")]


def test_what_was_not_paid_cannot_be_refunded() -> None:
    desk = Desk()
    issue(desk)

    with pytest.raises(InvoiceIsNotPaid):
        desk.gives_back()

    assert desk.told_of([InvoiceRefunded]) == []


@pytest.mark.parametrize("use_case", [adjust, cancel, Desk.takes_money, Desk.gives_back])
def test_an_unknown_invoice_is_not_found(use_case: Callable[[Desk], object]) -> None:
    desk = Desk()

    with pytest.raises(NotFound, match="no invoice has the id 'o'"):
        use_case(desk)

    assert desk.invoices.all() == []
