"""What ordering does when something happens elsewhere. What is heard of an order that is over changes nothing."""

from contexts.baskets.contract import BasketCheckedOut
from contexts.depot.contract import ItemMissing, ShoppingListCompleted
from contexts.ordering.application.create_order import CreateOrder, create_order
from contexts.ordering.application.mark_paid import MarkPaid, mark_paid
from contexts.ordering.application.mark_ready import MarkReady, mark_ready
from contexts.ordering.application.ports import OrderList, Orders
from contexts.ordering.application.reduce_order import ReduceOrder, reduce_order
from contexts.ordering.domain import Item
from contexts.payments.contract import InvoicePaid


class Reactions:
    def __init__(self, orders: Orders, order_list: OrderList) -> None:
        self.orders = orders
        self.order_list = order_list

    def on_basket_checked_out(self, event: BasketCheckedOut) -> None:
        items = (
            Item(
                product_id=item.product_id,
                store_id=item.store_id,
                name=item.name,
                store_name=item.store_name,
                quantity=item.quantity,
                price=item.price,
            )
            for item in event.items
        )
        command = CreateOrder(
            order_id=event.basket_id,
            customer_id=event.customer_id,
            payment_id=event.payment_id,
            items=tuple(items),
            currency=event.currency,
        )
        create_order(command, self.orders, self.order_list)

    def on_item_missing(self, event: ItemMissing) -> None:
        if self._is_alive(event.order_id):
            command = ReduceOrder(order_id=event.order_id, product_id=event.product_id, quantity=event.quantity)
            reduce_order(command, self.orders, self.order_list)

    def on_shopping_list_completed(self, event: ShoppingListCompleted) -> None:
        if self._is_alive(event.order_id):
            mark_ready(MarkReady(order_id=event.order_id), self.orders, self.order_list)

    def on_invoice_paid(self, event: InvoicePaid) -> None:
        if self._is_alive(event.order_id):
            mark_paid(MarkPaid(order_id=event.order_id), self.orders, self.order_list)

    def _is_alive(self, order_id: str) -> bool:
        return not self.orders.get(order_id).is_over
