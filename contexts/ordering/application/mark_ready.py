from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class MarkReady:
    order_id: str


def mark_ready(command: MarkReady, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.mark_ready()
    orders.save(order)
    order_list.show(order)
