from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class CancelOrder:
    order_id: str
    reason: str


def cancel_order(command: CancelOrder, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.cancel(command.reason)
    orders.save(order)
    order_list.show(order)
