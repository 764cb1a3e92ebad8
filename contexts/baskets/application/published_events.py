"""What of the own events the other contexts get to know."""

from collections.abc import Iterator

from contexts.baskets import contract
from contexts.baskets.domain import Basket, events


def published_events(basket: Basket, event: object) -> Iterator[object]:
    match event:
        case events.BasketStarted(customer_id=customer_id):
            yield contract.BasketStarted(basket_id=basket.id, customer_id=customer_id)
        case events.BasketCheckedOut(payment_id=payment_id):
            yield contract.BasketCheckedOut(
                basket_id=basket.id,
                customer_id=basket.customer_id,
                payment_id=payment_id,
                items=_items(basket),
                total=basket.total,
                currency=basket.currency,
            )
        case events.BasketCancelled():
            yield contract.BasketCancelled(basket_id=basket.id)
        case events.BasketAbandoned():
            yield contract.BasketAbandoned(basket_id=basket.id)


def _items(basket: Basket) -> tuple[contract.Item, ...]:
    return tuple(
        contract.Item(
            product_id=item.product_id,
            store_id=item.store_id,
            name=item.name,
            store_name=item.store_name,
            quantity=item.quantity,
            price=item.price,
        )
        for item in basket.items
    )
