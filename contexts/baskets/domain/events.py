"""What baskets are made of; the stream they stand in says whose they are."""

from mallbots_platform.messages import event


@event
class BasketStarted:
    customer_id: str


@event
class ItemAdded:
    """`quantity` more pieces; from now on every piece of the product costs `price`."""

    product_id: str
    store_id: str
    name: str
    store_name: str
    quantity: int
    price: int
    currency: str


@event
class ItemRemoved:
    """`quantity` pieces fewer."""

    product_id: str
    quantity: int


@event
class BasketCheckedOut:
    payment_id: str


@event
class BasketCancelled:
    pass


@event
class BasketAbandoned:
    pass


BasketEvent = BasketStarted | ItemAdded | ItemRemoved | BasketCheckedOut | BasketCancelled | BasketAbandoned
BASKET_EVENTS = (BasketStarted, ItemAdded, ItemRemoved, BasketCheckedOut, BasketCancelled, BasketAbandoned)
