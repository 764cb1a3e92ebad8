from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class HandOver:
    order_id: str


def hand_over(command: HandOver, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.hand_over()
    orders.save(order)
    order_list.show(order)
