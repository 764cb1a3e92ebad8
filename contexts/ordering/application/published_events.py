"""What of the own events the other contexts get to know."""

from collections.abc import Iterator

from contexts.ordering import contract
from contexts.ordering.domain import Item, Order, events


def published_events(order: object, event: object) -> Iterator[object]:
    if isinstance(order, Order):
        yield from _of_order(order, event)


def _of_order(order: Order, event: object) -> Iterator[object]:
    order_id, customer_id, total, currency = order.id, order.customer_id, order.total, order.currency
    match event:
        case events.OrderCreated():
            yield contract.OrderCreated(
                order_id=order_id,
                customer_id=customer_id,
                payment_id=order.payment_id,
                items=_items(order.items),
                total=total,
                currency=currency,
            )
        case events.OrderApproved(shopping_list_id=list_id):
            yield contract.OrderApproved(
                order_id=order_id,
                customer_id=customer_id,
                shopping_list_id=list_id,
                payment_id=order.payment_id,
                total=total,
                currency=currency,
            )
        case events.OrderRejected(reason=reason):
            yield contract.OrderRejected(order_id=order_id, customer_id=customer_id, reason=reason)
        case events.ItemReduced():
            yield contract.OrderAdjusted(
                order_id=order_id, customer_id=customer_id, items=_items(order.items), total=total, currency=currency
            )
        case events.OrderReadied():
            yield contract.OrderReadied(order_id=order_id, customer_id=customer_id)
        case events.OrderPaid():
            yield contract.OrderPaid(order_id=order_id, customer_id=customer_id)
        case events.OrderCompleted():
            yield contract.OrderCompleted(order_id=order_id, customer_id=customer_id, total=total, currency=currency)
        case events.OrderCollected():
            yield contract.OrderCollected(order_id=order_id, customer_id=customer_id)
        case events.OrderCancelled(reason=reason):
            yield contract.OrderCancelled(order_id=order_id, customer_id=customer_id, reason=reason)


def _items(items: tuple[Item, ...]) -> tuple[contract.Item, ...]:
    return tuple(
        contract.Item(
            product_id=item.product_id,
            store_id=item.store_id,
            name=item.name,
            store_name=item.store_name,
            quantity=item.quantity,
            price=item.price,
        )
        for item in items
    )
