"""A basket: started, filled with goods of several stores, then checked out, cancelled or abandoned."""

from dataclasses import replace
from enum import StrEnum
from typing import Self

from contexts.baskets.domain.errors import (
    BasketHasAnotherCurrency,
    BasketHasNoItems,
    BasketIsAbandoned,
    BasketIsCancelled,
    BasketIsCheckedOut,
    BasketIsFull,
    FewerPiecesInBasket,
    ProductIsNotInBasket,
)
from contexts.baskets.domain.events import (
    BasketAbandoned,
    BasketCancelled,
    BasketCheckedOut,
    BasketEvent,
    BasketStarted,
    ItemAdded,
    ItemRemoved,
)
from contexts.baskets.domain.goods import Product, Store
from mallbots_platform.aggregates import Aggregate
from mallbots_platform.messages import value
from mallbots_platform.validation import LARGEST_AMOUNT, LARGEST_QUANTITY

MOST_PRODUCTS = 100


class Status(StrEnum):
    OPEN = "open"
    CHECKED_OUT = "checked out"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


_ENDED = {
    Status.CHECKED_OUT: BasketIsCheckedOut,
    Status.CANCELLED: BasketIsCancelled,
    Status.ABANDONED: BasketIsAbandoned,
}


@value
class Item:
    """`price` is that of one piece, as it was when pieces were added last."""

    product_id: str
    store_id: str
    name: str
    store_name: str
    quantity: int
    price: int


class Basket(Aggregate):
    """Its items, in the order in which they were first added, all cost one `currency`; empty when they are none."""

    customer_id: str = ""
    status: Status = Status.OPEN
    items: tuple[Item, ...] = ()
    currency: str = ""
    payment_id: str = ""

    @classmethod
    def start(cls, basket_id: str, customer_id: str) -> Self:
        basket = cls(id=basket_id)
        basket.record(BasketStarted(customer_id=customer_id))
        return basket

    def add_item(self, product: Product, store: Store, quantity: int) -> None:
        """More pieces of what is there already make all of them cost the price of now: one product, one price."""
        self._must_be_open()
        product.must_be_on_sale()
        store.must_sell_to_robots()
        if self.currency not in ("", product.currency):
            raise BasketHasAnotherCurrency(self.currency, product.currency)
        self._must_hold(product, quantity)
        self.record(
            ItemAdded(
                product_id=product.product_id,
                store_id=product.store_id,
                name=product.name,
                store_name=store.name,
                quantity=quantity,
                price=product.price,
                currency=product.currency,
            )
        )

    def remove_item(self, product_id: str, quantity: int | None = None) -> None:
        """Takes out that many pieces, or all of them."""
        self._must_be_open()
        item = self.item(product_id)
        if item is None:
            raise ProductIsNotInBasket(product_id)
        if quantity is not None and quantity > item.quantity:
            raise FewerPiecesInBasket(product_id, item.quantity)
        self.record(ItemRemoved(product_id=product_id, quantity=quantity or item.quantity))

    def check_out(self, payment_id: str) -> None:
        self._must_be_open()
        if not self.items:
            raise BasketHasNoItems(self.id)
        self.record(BasketCheckedOut(payment_id=payment_id))

    def cancel(self) -> None:
        self._must_be_open()
        self.record(BasketCancelled())

    def abandon(self) -> None:
        self._must_be_open()
        self.record(BasketAbandoned())

    @property
    def is_open(self) -> bool:
        return self.status is Status.OPEN

    @property
    def total(self) -> int:
        return sum(item.quantity * item.price for item in self.items)

    def item(self, product_id: str) -> Item | None:
        return next((item for item in self.items if item.product_id == product_id), None)

    def _must_be_open(self) -> None:
        if ended := _ENDED.get(self.status):
            raise ended(self.id)

    def _must_hold(self, product: Product, quantity: int) -> None:
        """Every number in it, its total included, stays within what the other contexts accept."""
        held = self.item(product.product_id)
        pieces = quantity + (held.quantity if held else 0)
        others = self.total - (held.quantity * held.price if held else 0)
        if held is None and len(self.items) == MOST_PRODUCTS:
            raise BasketIsFull(f"{MOST_PRODUCTS} different products")
        if pieces > LARGEST_QUANTITY:
            raise BasketIsFull(f"{LARGEST_QUANTITY} pieces of a product")
        if others + pieces * product.price > LARGEST_AMOUNT:
            raise BasketIsFull(f"goods for {LARGEST_AMOUNT} {product.currency} in minor units")

    def apply(self, event: BasketEvent) -> None:
        match event:
            case BasketStarted(customer_id=customer_id):
                self.customer_id = customer_id
            case ItemAdded():
                self._put_in(event)
            case ItemRemoved(product_id=product_id, quantity=quantity):
                self._take_out(product_id, quantity)
            case BasketCheckedOut(payment_id=payment_id):
                self.status, self.payment_id = Status.CHECKED_OUT, payment_id
            case BasketCancelled():
                self.status = Status.CANCELLED
            case BasketAbandoned():
                self.status = Status.ABANDONED

    def _put_in(self, added: ItemAdded) -> None:
        held = self.item(added.product_id)
        item = Item(
            product_id=added.product_id,
            store_id=added.store_id,
            name=added.name,
            store_name=added.store_name,
            quantity=added.quantity + (held.quantity if held else 0),
            price=added.price,
        )
        self.currency = added.currency
        if held is None:
            self.items = (*self.items, item)
        else:
            self.items = tuple(item if other is held else other for other in self.items)

    def _take_out(self, product_id: str, quantity: int) -> None:
        fewer = (
            replace(item, quantity=item.quantity - quantity) if item.product_id == product_id else item
            for item in self.items
        )
        self.items = tuple(item for item in fewer if item.quantity)
        if not self.items:
            self.currency = ""
