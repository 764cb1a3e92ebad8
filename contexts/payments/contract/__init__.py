"""What payments says to the other contexts, and the commands it takes from the order process."""

from contexts.payments.contract.commands import ConfirmPayment, ReleasePayment
from contexts.payments.contract.events import (
    InvoiceAdjusted,
    InvoiceCancelled,
    InvoiceIssued,
    InvoicePaid,
    InvoiceRefunded,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentReleased,
)
from mallbots_platform.messages import Contract

CONTRACT = Contract(
    context="payments",
    events=(
        PaymentAuthorized,
        PaymentDeclined,
        PaymentReleased,
        InvoiceIssued,
        InvoiceAdjusted,
        InvoicePaid,
        InvoiceCancelled,
        InvoiceRefunded,
    ),
    commands=(ConfirmPayment, ReleasePayment),
)

__all__ = [
    "CONTRACT",
    "ConfirmPayment",
    "InvoiceAdjusted",
    "InvoiceCancelled",
    "InvoiceIssued",
    "InvoicePaid",
    "InvoiceRefunded",
    "PaymentAuthorized",
    "PaymentDeclined",
    "PaymentReleased",
    "ReleasePayment",
]
