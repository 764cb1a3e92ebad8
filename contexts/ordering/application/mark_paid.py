from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class MarkPaid:
    order_id: str


def mark_paid(command: MarkPaid, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.mark_paid()
    orders.save(order)
    order_list.show(order)
