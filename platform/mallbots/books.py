"""What the mall's APIs say about all orders and all money."""

from collections import Counter
from dataclasses import dataclass

from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from mallbots.actors.mall import Mall
from mallbots.invariants import OrderRecord

PAGE = 100


@dataclass(frozen=True, slots=True)
class Books:
    """`takings`: paid and not given back, in minor units."""

    orders: dict[str, OrderRecord]
    takings: int

    @property
    def states(self) -> Counter[str]:
        return Counter(order.state for order in self.orders.values())


async def read_books(mall: Mall) -> Books:
    counted = await mall.look(mall.payments.CountInvoices, payments_pb2.CountInvoicesRequest())
    return Books(await _orders(mall), sum(each.paid - each.refunded for each in counted.sums))


async def _orders(mall: Mall) -> dict[str, OrderRecord]:
    orders: dict[str, OrderRecord] = {}
    token = ""
    while True:
        request = ordering_pb2.ListOrdersRequest(page_size=PAGE, page_token=token)
        page = await mall.look(mall.ordering.ListOrders, request)
        for order in page.orders:
            state = ordering_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_").lower()
            orders[order.order_id] = OrderRecord(state, order.total)
        token = page.next_page_token
        if not token:
            return orders
