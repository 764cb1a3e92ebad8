"""Published facts. Prices are per piece, in minor units of the order's one currency; an order has its basket's id."""

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
class OrderCreated:
    """Begins the order process."""

    order_id: str
    customer_id: str
    payment_id: str
    items: tuple[Item, ...]
    total: int
    currency: str


@event
class OrderApproved:
    """Ends the order process: the customer may order, the depot shops, the payment holds."""

    order_id: str
    customer_id: str
    shopping_list_id: str
    payment_id: str
    total: int
    currency: str


@event
class OrderRejected:
    order_id: str
    customer_id: str
    reason: str


@event
class OrderAdjusted:
    """Goods were missing: `items` and `total` are what is left, possibly nothing."""

    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    total: int
    currency: str


@event
class OrderReadied:
    """The goods are at the depot."""

    order_id: str
    customer_id: str


@event
class OrderPaid:
    order_id: str
    customer_id: str


@event
class OrderCompleted:
    """Both: the goods are there, and paid."""

    order_id: str
    customer_id: str
    total: int
    currency: str


@event
class OrderCollected:
    """The customer has the goods."""

    order_id: str
    customer_id: str


@event
class OrderCancelled:
    """Stops the order process, if it still runs."""

    order_id: str
    customer_id: str
    reason: str
