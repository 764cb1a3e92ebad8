"""What baskets remembers of stores and products, and what it does with a basket that is left alone.

A change of something that is not known here yet is left out: whoever needs it asks stores for all of it.
"""

from dataclasses import replace

from contexts.baskets.adapters.timer_patience import BasketIsLeftAlone
from contexts.baskets.application.abandon_basket import AbandonBasket, abandon_basket
from contexts.baskets.application.ports import Baskets, Goods
from contexts.baskets.domain import Product, Store
from contexts.stores import contract as mall


class Reactions:
    def __init__(self, baskets: Baskets, goods: Goods) -> None:
        self.baskets = baskets
        self.goods = goods

    def on_store_opened(self, event: mall.StoreOpened) -> None:
        self.goods.keep_store(Store(store_id=event.store_id, name=event.name, version=event.version))

    def on_store_rebranded(self, event: mall.StoreRebranded) -> None:
        if store := self.goods.find_store(event.store_id):
            self.goods.keep_store(replace(store, name=event.name, version=event.version))

    def on_participation_enabled(self, event: mall.StoreParticipationEnabled) -> None:
        if store := self.goods.find_store(event.store_id):
            self.goods.keep_store(replace(store, participates=True, version=event.version))

    def on_participation_disabled(self, event: mall.StoreParticipationDisabled) -> None:
        if store := self.goods.find_store(event.store_id):
            self.goods.keep_store(replace(store, participates=False, version=event.version))

    def on_store_closed(self, event: mall.StoreClosed) -> None:
        if store := self.goods.find_store(event.store_id):
            self.goods.keep_store(replace(store, is_open=False, version=event.version))

    def on_product_added(self, event: mall.ProductAdded) -> None:
        self.goods.keep_product(
            Product(
                product_id=event.product_id,
                store_id=event.store_id,
                name=event.name,
                price=event.price,
                currency=event.currency,
                version=event.version,
            )
        )

    def on_product_rebranded(self, event: mall.ProductRebranded) -> None:
        if product := self.goods.find_product(event.product_id):
            self.goods.keep_product(replace(product, name=event.name, version=event.version))

    def on_product_price_changed(self, event: mall.ProductPriceChanged) -> None:
        if product := self.goods.find_product(event.product_id):
            self.goods.keep_product(replace(product, price=event.price, version=event.version))

    def on_product_removed(self, event: mall.ProductRemoved) -> None:
        if product := self.goods.find_product(event.product_id):
            self.goods.keep_product(replace(product, is_removed=True, version=event.version))

    def on_basket_is_left_alone(self, timer: BasketIsLeftAlone) -> None:
        abandon_basket(AbandonBasket(basket_id=timer.basket_id), self.baskets)
