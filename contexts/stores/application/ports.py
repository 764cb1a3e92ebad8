"""What the use cases need from outside, named for its role."""

from collections.abc import Sequence
from typing import Protocol

from contexts.stores.domain import Product, Store
from mallbots_platform.messages import value


class Stores(Protocol):
    def get(self, id: str) -> Store: ...
    def add(self, thing: Store) -> None: ...
    def save(self, thing: Store) -> None: ...


class Products(Protocol):
    def get(self, id: str) -> Product: ...
    def add(self, thing: Product) -> None: ...
    def save(self, thing: Product) -> None: ...


class Skus(Protocol):
    """Which product of a store has a SKU; never two."""

    def claim(self, store_id: str, sku: str, product_id: str) -> None:
        """Raises `SkuIsTaken`."""

    def release(self, store_id: str, sku: str) -> None: ...


@value
class StoreOnShow:
    store_id: str
    name: str
    location: str
    participating: bool
    open: bool
    version: int


class Mall(Protocol):
    """All stores at a glance, as of the last commit. Lists go by id, from behind `after`."""

    def show(self, store: Store) -> None: ...
    def store(self, store_id: str) -> StoreOnShow:
        """Raises `NotFound`."""

    def stores(self, after: str, limit: int) -> Sequence[StoreOnShow]: ...
    def participating_stores(self, after: str, limit: int) -> Sequence[StoreOnShow]: ...


@value
class ProductOnShow:
    product_id: str
    store_id: str
    name: str
    description: str
    sku: str
    price: int
    currency: str
    version: int


class Catalogue(Protocol):
    """All products on sale, as of the last commit. Lists go by id, from behind `after`."""

    def show(self, product: Product) -> None: ...
    def take_down(self, product: Product) -> None: ...
    def product(self, product_id: str) -> ProductOnShow:
        """Raises `NotFound`."""

    def products_of(self, store_id: str, after: str, limit: int) -> Sequence[ProductOnShow]: ...
