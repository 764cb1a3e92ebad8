from contexts.ordering.application.ports import OrderList, Orders
from mallbots_platform.messages import command


@command
class ApproveOrder:
    order_id: str
    shopping_list_id: str


def approve_order(command: ApproveOrder, orders: Orders, order_list: OrderList) -> None:
    order = orders.get(command.order_id)
    order.approve(command.shopping_list_id)
    orders.save(order)
    order_list.show(order)
