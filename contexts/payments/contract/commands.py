"""What payments does when asked by the order process."""

from mallbots_platform.messages import command


@command
class ConfirmPayment:
    """Does this hold cover this order? Refused when unknown, declined, expired, released, too small, another's."""

    payment_id: str
    order_id: str
    customer_id: str
    amount: int
    currency: str


@command
class ReleasePayment:
    """The order will not be: give the hold back. Refused when it is declined, another's, or serves another order."""

    payment_id: str
    order_id: str
    customer_id: str
