"""What customers does when asked by the order process."""

from mallbots_platform.messages import command


@command
class AuthorizeCustomer:
    """May this customer order? Refused with `CustomerIsDisabled`, or `NotFound`."""

    customer_id: str
    order_id: str
