"""Copies of what stores said last of themselves and their products; the higher version is the newer copy."""

from contexts.depot.domain.errors import StoreIsClosed
from mallbots_platform.messages import value


@value
class Store:
    store_id: str
    name: str
    location: str
    is_open: bool
    version: int

    def must_be_open(self) -> None:
        if not self.is_open:
            raise StoreIsClosed(self.store_id)


@value
class Product:
    product_id: str
    name: str
    version: int
