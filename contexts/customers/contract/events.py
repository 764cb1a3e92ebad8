"""Published facts. `version` is that of the customer after the fact: of two copies, the higher one is newer."""

from mallbots_platform.messages import event


@event
class CustomerRegistered:
    customer_id: str
    name: str
    sms_number: str
    version: int


@event
class CustomerSmsNumberChanged:
    customer_id: str
    sms_number: str
    version: int


@event
class CustomerEnabled:
    customer_id: str
    version: int


@event
class CustomerDisabled:
    customer_id: str
    version: int
