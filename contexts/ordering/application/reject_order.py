from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class RejectOrder:
    order_id: str
    reason: str


def reject_order(command: RejectOrder, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.reject(command.reason)
    orders.save(order)
    order_list.show(order)
