"""Holds on customers' money, invoices, and the rules both keep."""

from contexts.payments.domain.errors import (
    AmountIsHigher,
    InvoiceIsCancelled,
    InvoiceIsNotPaid,
    InvoiceIsPaid,
    InvoiceIsRefunded,
    PaymentIsAnothers,
    PaymentIsDeclined,
    PaymentIsExpired,
    PaymentIsReleased,
    PaymentIsTooSmall,
    PaymentIsUsed,
)
from contexts.payments.domain.invoice import Invoice, InvoiceStatus
from contexts.payments.domain.payment import Payment, PaymentStatus

__all__ = [
    "AmountIsHigher",
    "Invoice",
    "InvoiceIsCancelled",
    "InvoiceIsNotPaid",
    "InvoiceIsPaid",
    "InvoiceIsRefunded",
    "InvoiceStatus",
    "Payment",
    "PaymentIsAnothers",
    "PaymentIsDeclined",
    "PaymentIsExpired",
    "PaymentIsReleased",
    "PaymentIsTooSmall",
    "PaymentIsUsed",
    "PaymentStatus",
]
