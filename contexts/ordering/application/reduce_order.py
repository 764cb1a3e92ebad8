from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class ReduceOrder:
    order_id: str
    product_id: str
    quantity: int


def reduce_order(command: ReduceOrder, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.reduce(command.product_id, command.quantity)
    orders.save(order)
    order_list.show(order)
