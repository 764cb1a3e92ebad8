"""Published facts. Prices are per piece, in minor units of the basket's one currency."""

from mallbots_platform.messages import event, value


@value
class Item:
    product_id: str
    store_id: str
    name: str
    store_name: str
    quantity: int
    price: int


@event
class BasketStarted:
    basket_id: str
    customer_id: str


@event
class BasketCheckedOut:
    """The customer wants this, for this; the order made of it has the basket's id."""

    basket_id: str
    customer_id: str
    payment_id: str
    items: tuple[Item, ...]
    total: int
    currency: str


@event
class BasketCancelled:
    basket_id: str


@event
class BasketAbandoned:
    """Nothing happened to it for too long."""

    basket_id: str
