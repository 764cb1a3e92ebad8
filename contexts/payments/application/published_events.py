"""What of the own events the other contexts get to know."""

from collections.abc import Iterator

from contexts.payments import contract
from contexts.payments.domain import Invoice, Payment, invoice, payment


def published_events(source: object, event: object) -> Iterator[object]:
    match source:
        case Payment():
            yield from _of_payment(source, event)
        case Invoice():
            yield from _of_invoice(source, event)


def _of_payment(held: Payment, event: object) -> Iterator[object]:
    match event:
        case payment.Authorized():
            yield contract.PaymentAuthorized(
                payment_id=held.id, customer_id=held.customer_id, amount=held.amount, currency=held.currency
            )
        case payment.Declined(reason=reason):
            yield contract.PaymentDeclined(
                payment_id=held.id,
                customer_id=held.customer_id,
                amount=held.amount,
                currency=held.currency,
                reason=reason,
            )
        case payment.Released(order_id=order_id):
            yield contract.PaymentReleased(payment_id=held.id, order_id=order_id)


def _of_invoice(bill: Invoice, event: object) -> Iterator[object]:
    match event:
        case invoice.Issued():
            yield contract.InvoiceIssued(
                order_id=bill.id, customer_id=bill.customer_id, amount=bill.amount, currency=bill.currency
            )
        case invoice.Adjusted(refunded=refunded):
            yield contract.InvoiceAdjusted(
                order_id=bill.id, amount=bill.amount, refunded=refunded, currency=bill.currency
            )
        case invoice.Paid():
            yield contract.InvoicePaid(order_id=bill.id, amount=bill.amount, currency=bill.currency)
        case invoice.Cancelled():
            yield contract.InvoiceCancelled(order_id=bill.id)
        case invoice.Refunded(amount=amount):
            yield contract.InvoiceRefunded(order_id=bill.id, amount=amount, currency=bill.currency)
