from collections.abc import Callable

import pytest

from contexts.payments.domain import (
    AmountIsHigher,
    Invoice,
    InvoiceIsCancelled,
    InvoiceIsNotPaid,
    InvoiceIsPaid,
    InvoiceIsRefunded,
    InvoiceStatus,
)
from contexts.payments.domain.invoice import Adjusted, Cancelled, Issued, Paid, Refunded
from mallbots_platform.errors import RuleViolated


def issued() -> Invoice:
    return known(Invoice.issue("o", "c", 500, "EUR"))


def paid() -> Invoice:
    invoice = issued()
    invoice.pay()
    return known(invoice)


def cancelled() -> Invoice:
    invoice = issued()
    invoice.cancel()
    return known(invoice)


def refunded() -> Invoice:
    invoice = paid()
    invoice.refund()
    return known(invoice)


def known(invoice: Invoice) -> Invoice:
    invoice.saved(version=1)
    return invoice


def adjust(invoice: Invoice) -> None:
    invoice.adjust(300)


def fields_of(invoice: Invoice) -> dict[str, object]:
    return {name: value for name, value in vars(invoice).items() if name != "_recorded"}


def money(invoice: Invoice) -> tuple[int, int, int, int]:
    return invoice.amount, invoice.paid, invoice.refunded, invoice.kept


def test_an_invoice_is_issued_and_not_paid() -> None:
    invoice = Invoice.issue("o", "c", 500, "EUR")

    assert invoice.recorded == (Issued(),)
    assert (invoice.id, invoice.customer_id, invoice.currency) == ("o", "c", "EUR")
    assert (invoice.status, money(invoice)) == (InvoiceStatus.ISSUED, (500, 0, 0, 0))


def test_an_invoice_is_paid_as_a_whole() -> None:
    invoice = issued()

    invoice.pay()

    assert invoice.recorded == (Paid(),)
    assert money(invoice) == (500, 500, 0, 500)


def test_an_adjusted_invoice_costs_less() -> None:
    invoice = issued()

    invoice.adjust(300)
    invoice.pay()

    assert invoice.recorded == (Adjusted(refunded=0), Paid())
    assert money(invoice) == (300, 300, 0, 300)


def test_what_was_paid_too_much_is_given_back() -> None:
    invoice = paid()

    invoice.adjust(300)
    invoice.adjust(50)

    assert invoice.recorded == (Adjusted(refunded=200), Adjusted(refunded=250))
    assert (invoice.status, money(invoice)) == (InvoiceStatus.PAID, (50, 500, 450, 50))


def test_an_invoice_that_need_not_be_paid_is_cancelled() -> None:
    invoice = issued()

    invoice.cancel()

    assert invoice.recorded == (Cancelled(),)
    assert money(invoice) == (500, 0, 0, 0)


def test_a_refund_gives_back_only_what_is_left() -> None:
    invoice = paid()
    invoice.adjust(300)

    invoice.refund()

    assert invoice.recorded == (Adjusted(refunded=200), Refunded(amount=300))
    assert money(invoice) == (300, 500, 500, 0)


def test_an_invoice_of_which_nothing_is_left_is_refunded_with_nothing() -> None:
    invoice = paid()
    invoice.adjust(0)

    invoice.refund()

    assert invoice.recorded == (Adjusted(refunded=500), Refunded(amount=0))


@pytest.mark.parametrize("make", [issued, paid])
def test_an_invoice_never_rises(make: Callable[[], Invoice]) -> None:
    invoice = make()

    with pytest.raises(AmountIsHigher, match="501 is more than the 500 that were invoiced"):
        invoice.adjust(501)

    assert (invoice.amount, invoice.recorded) == (500, ())


Change = Callable[[Invoice], None]
Outcome = InvoiceStatus | type[RuleViolated]
STATES = {
    InvoiceStatus.ISSUED: issued,
    InvoiceStatus.PAID: paid,
    InvoiceStatus.CANCELLED: cancelled,
    InvoiceStatus.REFUNDED: refunded,
}
CHANGES: tuple[Change, ...] = (adjust, Invoice.pay, Invoice.cancel, Invoice.refund)
MATRIX: dict[InvoiceStatus, tuple[Outcome, Outcome, Outcome, Outcome]] = {
    InvoiceStatus.ISSUED: (InvoiceStatus.ISSUED, InvoiceStatus.PAID, InvoiceStatus.CANCELLED, InvoiceIsNotPaid),
    InvoiceStatus.PAID: (InvoiceStatus.PAID, InvoiceIsPaid, InvoiceIsPaid, InvoiceStatus.REFUNDED),
    InvoiceStatus.CANCELLED: (InvoiceIsCancelled, InvoiceIsCancelled, InvoiceIsCancelled, InvoiceIsCancelled),
    InvoiceStatus.REFUNDED: (InvoiceIsRefunded, InvoiceIsRefunded, InvoiceIsRefunded, InvoiceIsRefunded),
}
CELLS = [(state, change, MATRIX[state][column]) for state in InvoiceStatus for column, change in enumerate(CHANGES)]


@pytest.mark.parametrize(("state", "change", "outcome"), [cell for cell in CELLS if isinstance(cell[2], InvoiceStatus)])
def test_what_is_allowed_in_each_state(state: InvoiceStatus, change: Change, outcome: InvoiceStatus) -> None:
    invoice = STATES[state]()

    change(invoice)

    assert (invoice.status, len(invoice.recorded)) == (outcome, 1)


@pytest.mark.parametrize(("state", "change", "refusal"), [cell for cell in CELLS if isinstance(cell[2], type)])
def test_what_is_refused_changes_nothing(state: InvoiceStatus, change: Change, refusal: type[RuleViolated]) -> None:
    invoice = STATES[state]()
    before = fields_of(invoice)

    with pytest.raises(refusal, match="the invoice of order o is"):
        change(invoice)

    assert (fields_of(invoice), invoice.recorded) == (before, ())


@pytest.mark.parametrize("state", InvoiceStatus)
def test_only_cancelled_and_refunded_invoices_are_over(state: InvoiceStatus) -> None:
    invoice = STATES[state]()

    assert invoice.is_over == (state in (InvoiceStatus.CANCELLED, InvoiceStatus.REFUNDED))
    assert invoice.is_paid == (state is InvoiceStatus.PAID)
