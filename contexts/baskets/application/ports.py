"""What the use cases need from outside, named for its role."""

from typing import Protocol

from contexts.baskets.domain import Basket, Product, Store


class Baskets(Protocol):
    def get(self, id: str) -> Basket:
        """Raises `NotFound`."""

    def add(self, thing: Basket) -> None: ...
    def save(self, thing: Basket) -> None: ...


class Goods(Protocol):
    """Copies of products and of the stores that sell them; an older copy never replaces a newer one."""

    def product(self, product_id: str) -> Product:
        """Raises `NotFound`."""

    def store(self, store_id: str) -> Store:
        """Raises `NotFound`."""

    def find_product(self, product_id: str) -> Product | None: ...
    def find_store(self, store_id: str) -> Store | None: ...
    def keep_product(self, product: Product) -> None: ...
    def keep_store(self, store: Store) -> None: ...


class Patience(Protocol):
    """How long a basket may be left alone."""

    def renew(self, basket_id: str) -> None: ...
    def end(self, basket_id: str) -> None: ...
