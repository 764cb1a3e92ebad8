from contexts.ordering.application.ports import OrderList, Orders
from contexts.ordering.domain import Item, Order
from mallbots_platform.messages import command


@command
class CreateOrder:
    order_id: str
    customer_id: str
    payment_id: str
    items: tuple[Item, ...]
    currency: str


def create_order(command: CreateOrder, orders: Orders, order_list: OrderList) -> None:
    order = Order.create(
        command.order_id, command.customer_id, command.payment_id, items=command.items, currency=command.currency
    )
    orders.add(order)
    order_list.show(order)
