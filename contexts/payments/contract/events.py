"""Published facts. Amounts are minor units of a currency (ISO 4217); an invoice has its order's id."""

from mallbots_platform.messages import event


@event
class PaymentAuthorized:
    """The customer's money is held."""

    payment_id: str
    customer_id: str
    amount: int
    currency: str


@event
class PaymentDeclined:
    payment_id: str
    customer_id: str
    amount: int
    currency: str
    reason: str


@event
class PaymentReleased:
    """The hold is given back; `order_id` is empty when it had not been confirmed for an order."""

    payment_id: str
    order_id: str


@event
class InvoiceIssued:
    order_id: str
    customer_id: str
    amount: int
    currency: str


@event
class InvoiceAdjusted:
    """`amount` is what the order costs now; what had been paid above it is given back."""

    order_id: str
    amount: int
    refunded: int
    currency: str


@event
class InvoicePaid:
    order_id: str
    amount: int
    currency: str


@event
class InvoiceCancelled:
    """It had not been paid, and need not be."""

    order_id: str


@event
class InvoiceRefunded:
    """`amount` was given back: all that was still there of what had been paid."""

    order_id: str
    amount: int
    currency: str
