"""Copies of what stores sell, as stores described it last; the higher version is the newer copy."""

from contexts.baskets.domain.errors import ProductIsRemoved, StoreDoesNotParticipate, StoreIsClosed
from mallbots_platform.messages import value


@value
class Product:
    product_id: str
    store_id: str
    name: str
    price: int
    currency: str
    version: int
    is_removed: bool = False

    def must_be_on_sale(self) -> None:
        if self.is_removed:
            raise ProductIsRemoved(self.product_id)


@value
class Store:
    store_id: str
    name: str
    version: int
    participates: bool = False
    is_open: bool = True

    def must_sell_to_robots(self) -> None:
        if not self.is_open:
            raise StoreIsClosed(self.store_id)
        if not self.participates:
            raise StoreDoesNotParticipate(self.store_id)
