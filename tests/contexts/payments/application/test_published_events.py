from datetime import UTC, datetime

import pytest

from contexts.payments import contract
from contexts.payments.application.published_events import published_events
from contexts.payments.contract import CONTRACT
from contexts.payments.domain import Invoice, Payment, invoice, payment

HOLD = Payment(
    id="p", customer_id="c", amount=500, currency="EUR", expires_at=datetime(2026, 11, 24, tzinfo=UTC), order_id="now"
)
BILL = Invoice(id="o", customer_id="c", amount=300, currency="EUR", paid=500, refunded=200)

OF_PAYMENT = [
    (payment.Authorized(), contract.PaymentAuthorized(payment_id="p", customer_id="c", amount=500, currency="EUR")),
    (
        payment.Declined(reason="above the limit"),
        contract.PaymentDeclined(payment_id="p", customer_id="c", amount=500, currency="EUR", reason="above the limit"),
    ),
    (payment.Released(order_id="o"), contract.PaymentReleased(payment_id="p", order_id="o")),
]
OF_INVOICE = [
    (invoice.Issued(), contract.InvoiceIssued(order_id="o", customer_id="c", amount=300, currency="EUR")),
    (
        invoice.Adjusted(refunded=200),
        contract.InvoiceAdjusted(order_id="o", amount=300, refunded=200, currency="EUR"),
    ),
    (invoice.Paid(), contract.InvoicePaid(order_id="o", amount=300, currency="EUR")),
    (invoice.Cancelled(), contract.InvoiceCancelled(order_id="o")),
    (invoice.Refunded(amount=150), contract.InvoiceRefunded(order_id="o", amount=150, currency="EUR")),
]


@pytest.mark.parametrize(("own", "published"), OF_PAYMENT)
def test_what_a_payment_publishes(own: object, published: object) -> None:
    assert list(published_events(HOLD, own)) == [published]


@pytest.mark.parametrize(("own", "published"), OF_INVOICE)
def test_what_an_invoice_publishes(own: object, published: object) -> None:
    assert list(published_events(BILL, own)) == [published]


def test_every_event_of_the_contract_is_published() -> None:
    assert {type(published) for _, published in OF_PAYMENT + OF_INVOICE} == set(CONTRACT.events)
