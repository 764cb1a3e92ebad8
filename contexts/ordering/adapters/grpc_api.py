from contexts.ordering.application.cancel_order import CancelOrder, cancel_order
from contexts.ordering.application.hand_over import HandOver, hand_over
from contexts.ordering.application.ports import OrderList, Orders, OrderSummary
from contexts.ordering.contract import ordering_pb2 as pb
from contexts.ordering.domain import Order, Status
from mallbots_platform.errors import InvalidInput
from mallbots_platform.grpc_server import read, write
from mallbots_platform.paging import Page
from mallbots_platform.validation import identifier, text

STATUS_NAMES = {
    Status.PENDING: pb.ORDER_STATUS_PENDING,
    Status.APPROVED: pb.ORDER_STATUS_APPROVED,
    Status.READY: pb.ORDER_STATUS_READY,
    Status.PAID: pb.ORDER_STATUS_PAID,
    Status.COMPLETED: pb.ORDER_STATUS_COMPLETED,
    Status.COLLECTED: pb.ORDER_STATUS_COLLECTED,
    Status.REJECTED: pb.ORDER_STATUS_REJECTED,
    Status.CANCELLED: pb.ORDER_STATUS_CANCELLED,
}


class OrderingApi:
    def __init__(self, orders: Orders, order_list: OrderList) -> None:
        self.orders = orders
        self.order_list = order_list

    @write
    def CancelOrder(self, request: pb.CancelOrderRequest) -> pb.CancelOrderResponse:
        order_id, reason = identifier(request.order_id, "order_id"), text(request.reason, "reason")
        cancel_order(CancelOrder(order_id=order_id, reason=reason), self.orders, self.order_list)
        return pb.CancelOrderResponse()

    @write
    def HandOver(self, request: pb.HandOverRequest) -> pb.HandOverResponse:
        hand_over(HandOver(order_id=identifier(request.order_id, "order_id")), self.orders, self.order_list)
        return pb.HandOverResponse()

    @read
    def GetOrder(self, request: pb.GetOrderRequest) -> pb.GetOrderResponse:
        return pb.GetOrderResponse(order=_order(self.orders.get(identifier(request.order_id, "order_id"))))

    @read
    def ListOrders(self, request: pb.ListOrdersRequest) -> pb.ListOrdersResponse:
        page = Page.of(request)
        orders = self.order_list.orders(page.after, page.size, _status(request.status))
        token = page.next_token(orders[-1].order_id if orders else "", full=len(orders) == page.size)
        return pb.ListOrdersResponse(orders=map(_summary, orders), next_page_token=token)

    @read
    def CountOrders(self, request: pb.CountOrdersRequest) -> pb.CountOrdersResponse:
        counts = {status.value: count for status, count in self.order_list.counts().items()}
        return pb.CountOrdersResponse(counts=counts)


def _status(wanted: int) -> Status | None:
    if wanted == pb.ORDER_STATUS_UNSPECIFIED:
        return None
    found = next((status for status, name in STATUS_NAMES.items() if name == wanted), None)
    if found is None:
        raise InvalidInput("status", f"{wanted} is no status of an order")
    return found


def _order(order: Order) -> pb.Order:
    items = [
        pb.Item(
            product_id=item.product_id,
            store_id=item.store_id,
            name=item.name,
            store_name=item.store_name,
            quantity=item.quantity,
            price=item.price,
        )
        for item in order.items
    ]
    return pb.Order(
        order_id=order.id,
        customer_id=order.customer_id,
        payment_id=order.payment_id,
        shopping_list_id=order.shopping_list_id,
        status=STATUS_NAMES[order.status],
        items=items,
        total=order.total,
        currency=order.currency,
        reason=order.reason,
        version=order.version,
    )


def _summary(order: OrderSummary) -> pb.OrderSummary:
    return pb.OrderSummary(
        order_id=order.order_id,
        customer_id=order.customer_id,
        status=STATUS_NAMES[order.status],
        total=order.total,
        currency=order.currency,
    )
