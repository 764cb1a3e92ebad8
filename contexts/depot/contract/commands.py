"""What depot does when asked by the order process."""

from mallbots_platform.messages import command, value


@value
class Item:
    product_id: str
    store_id: str
    name: str
    store_name: str
    quantity: int


@command
class CreateShoppingList:
    """Can the depot shop this? The reply's `shopping_list_id` is the list's; refused with `StoreIsClosed`."""

    order_id: str
    items: tuple[Item, ...]


@command
class ScheduleShopping:
    """Robots may go."""

    order_id: str


@command
class CancelShoppingList:
    """The order will not be. Refused when the goods are at the depot already, and checked."""

    order_id: str
