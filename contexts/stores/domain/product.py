"""A product of a store: added, rebranded, dearer or cheaper, removed for good."""

from typing import Self

from contexts.stores.domain.errors import PriceIsNotHigher, PriceIsNotLower, ProductIsRemoved
from contexts.stores.domain.events import (
    ProductAdded,
    ProductEvent,
    ProductPriceDecreased,
    ProductPriceIncreased,
    ProductRebranded,
    ProductRemoved,
)
from mallbots_platform.aggregates import Aggregate


class Product(Aggregate):
    """`price` is in minor units of `currency`, which never changes."""

    store_id: str = ""
    name: str = ""
    description: str = ""
    sku: str = ""
    price: int = 0
    currency: str = ""
    is_removed: bool = False

    @classmethod
    def add(
        cls, product_id: str, store_id: str, *, name: str, description: str, sku: str, price: int, currency: str
    ) -> Self:
        product = cls(id=product_id)
        product.record(
            ProductAdded(store_id=store_id, name=name, description=description, sku=sku, price=price, currency=currency)
        )
        return product

    def rebrand(self, name: str, description: str) -> None:
        self._must_be_on_sale()
        self.record(ProductRebranded(name=name, description=description))

    def increase_price(self, price: int) -> None:
        self._must_be_on_sale()
        if price <= self.price:
            raise PriceIsNotHigher(price, self.price)
        self.record(ProductPriceIncreased(price=price))

    def decrease_price(self, price: int) -> None:
        self._must_be_on_sale()
        if price >= self.price:
            raise PriceIsNotLower(price, self.price)
        self.record(ProductPriceDecreased(price=price))

    def remove(self) -> None:
        self._must_be_on_sale()
        self.record(ProductRemoved())

    def _must_be_on_sale(self) -> None:
        if self.is_removed:
            raise ProductIsRemoved(self.id)

    def apply(self, event: ProductEvent) -> None:
        match event:
            case ProductAdded():
                self.store_id, self.sku = event.store_id, event.sku
                self.name, self.description = event.name, event.description
                self.price, self.currency = event.price, event.currency
            case ProductRebranded(name=name, description=description):
                self.name, self.description = name, description
            case ProductPriceIncreased(price=price) | ProductPriceDecreased(price=price):
                self.price = price
            case ProductRemoved():
                self.is_removed = True
