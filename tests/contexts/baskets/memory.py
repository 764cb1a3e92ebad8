"""The ports of baskets in memory, kept to the same suite as the ones in SQL."""

from contexts.baskets.domain import Product, Store
from mallbots_platform.errors import NotFound


class MemoryGoods:
    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.stores: dict[str, Store] = {}

    def product(self, product_id: str) -> Product:
        if product_id not in self.products:
            raise NotFound("product", product_id)
        return self.products[product_id]

    def store(self, store_id: str) -> Store:
        if store_id not in self.stores:
            raise NotFound("store", store_id)
        return self.stores[store_id]

    def find_product(self, product_id: str) -> Product | None:
        return self.products.get(product_id)

    def find_store(self, store_id: str) -> Store | None:
        return self.stores.get(store_id)

    def keep_product(self, product: Product) -> None:
        kept = self.products.get(product.product_id)
        if kept is None or kept.version <= product.version:
            self.products[product.product_id] = product

    def keep_store(self, store: Store) -> None:
        kept = self.stores.get(store.store_id)
        if kept is None or kept.version <= store.version:
            self.stores[store.store_id] = store


class MemoryPatience:
    """`waits` for the baskets whose time runs, `renewals` says how often each was given new time."""

    def __init__(self) -> None:
        self.waits: set[str] = set()
        self.renewals: dict[str, int] = {}

    def renew(self, basket_id: str) -> None:
        self.waits.add(basket_id)
        self.renewals[basket_id] = self.renewals.get(basket_id, 0) + 1

    def end(self, basket_id: str) -> None:
        self.waits.discard(basket_id)
