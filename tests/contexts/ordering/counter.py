"""The use cases of ordering over ports in memory, in a teller's words."""

from contexts.ordering.application.approve_order import ApproveOrder, approve_order
from contexts.ordering.application.cancel_order import CancelOrder, cancel_order
from contexts.ordering.application.create_order import CreateOrder, create_order
from contexts.ordering.application.hand_over import HandOver, hand_over
from contexts.ordering.application.mark_paid import MarkPaid, mark_paid
from contexts.ordering.application.mark_ready import MarkReady, mark_ready
from contexts.ordering.application.reduce_order import ReduceOrder, reduce_order
from contexts.ordering.application.reject_order import RejectOrder, reject_order
from contexts.ordering.domain import Order
from mallbots_platform.testing import MemoryRepository
from tests.contexts.ordering.histories import ASSAM, CLAY
from tests.contexts.ordering.memory import MemoryOrderList


class Counter:
    def __init__(self) -> None:
        self.orders: MemoryRepository[Order] = MemoryRepository("order")
        self.order_list = MemoryOrderList()

    def creates(self, order_id: str = "o", customer_id: str = "ada") -> None:
        command = CreateOrder(
            order_id=order_id, customer_id=customer_id, payment_id="pay", items=(CLAY, ASSAM), currency="EUR"
        )
        create_order(command, self.orders, self.order_list)

    def approves(self, order_id: str = "o") -> None:
        approve_order(ApproveOrder(order_id=order_id, shopping_list_id="list"), self.orders, self.order_list)

    def rejects(self, order_id: str = "o") -> None:
        reject_order(RejectOrder(order_id=order_id, reason="payment declined"), self.orders, self.order_list)

    def reduces(self, order_id: str = "o", product_id: str = "clay", quantity: int = 1) -> None:
        command = ReduceOrder(order_id=order_id, product_id=product_id, quantity=quantity)
        reduce_order(command, self.orders, self.order_list)

    def marks_ready(self, order_id: str = "o") -> None:
        mark_ready(MarkReady(order_id=order_id), self.orders, self.order_list)

    def marks_paid(self, order_id: str = "o") -> None:
        mark_paid(MarkPaid(order_id=order_id), self.orders, self.order_list)

    def hands_over(self, order_id: str = "o") -> None:
        hand_over(HandOver(order_id=order_id), self.orders, self.order_list)

    def cancels(self, order_id: str = "o") -> None:
        cancel_order(CancelOrder(order_id=order_id, reason="changed my mind"), self.orders, self.order_list)
