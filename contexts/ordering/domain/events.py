"""What orders are made of; the stream they stand in says whose they are."""

from mallbots_platform.messages import event, value


@value
class Item:
    """`price` is that of one piece, in minor units of the order's currency."""

    product_id: str
    store_id: str
    name: str
    store_name: str
    quantity: int
    price: int


@event
class OrderCreated:
    customer_id: str
    payment_id: str
    items: tuple[Item, ...]
    currency: str


@event
class OrderApproved:
    shopping_list_id: str


@event
class OrderRejected:
    reason: str


@event
class ItemReduced:
    """`quantity` pieces of the product could not be had."""

    product_id: str
    quantity: int


@event
class GoodsArrived:
    """At the depot, before the order is approved: the robots were faster than the process."""


@event
class OrderReadied:
    pass


@event
class OrderPaid:
    pass


@event
class OrderCompleted:
    pass


@event
class OrderCollected:
    pass


@event
class OrderCancelled:
    reason: str


OrderEvent = (
    OrderCreated
    | OrderApproved
    | OrderRejected
    | ItemReduced
    | GoodsArrived
    | OrderReadied
    | OrderPaid
    | OrderCompleted
    | OrderCollected
    | OrderCancelled
)
ORDER_EVENTS = (
    *(OrderCreated, OrderApproved, OrderRejected, ItemReduced, GoodsArrived),
    *(OrderReadied, OrderPaid, OrderCompleted, OrderCollected, OrderCancelled),
)
