"""The ports of stores in memory, kept to the same suite as the ones in SQL."""

from contexts.stores.application.ports import ProductOnShow, StoreOnShow
from contexts.stores.domain import Product, SkuIsTaken, Store
from mallbots_platform.errors import NotFound


class MemorySkus:
    def __init__(self) -> None:
        self.claimed: dict[tuple[str, str], str] = {}

    def claim(self, store_id: str, sku: str, product_id: str) -> None:
        if (store_id, sku) in self.claimed:
            raise SkuIsTaken(sku)
        self.claimed[store_id, sku] = product_id

    def release(self, store_id: str, sku: str) -> None:
        self.claimed.pop((store_id, sku), None)


class MemoryMall:
    def __init__(self) -> None:
        self.shown: dict[str, StoreOnShow] = {}

    def show(self, store: Store) -> None:
        self.shown[store.id] = StoreOnShow(
            store_id=store.id,
            name=store.name,
            location=store.location,
            participating=store.participates,
            open=store.is_open,
            version=store.version,
        )

    def store(self, store_id: str) -> StoreOnShow:
        if store_id not in self.shown:
            raise NotFound("store", store_id)
        return self.shown[store_id]

    def stores(self, after: str, limit: int) -> list[StoreOnShow]:
        return [self.shown[store_id] for store_id in sorted(self.shown) if store_id > after][:limit]

    def participating_stores(self, after: str, limit: int) -> list[StoreOnShow]:
        return [store for store in self.stores(after, len(self.shown)) if store.participating][:limit]


class MemoryCatalogue:
    def __init__(self) -> None:
        self.shown: dict[str, ProductOnShow] = {}

    def show(self, product: Product) -> None:
        self.shown[product.id] = ProductOnShow(
            product_id=product.id,
            store_id=product.store_id,
            name=product.name,
            description=product.description,
            sku=product.sku,
            price=product.price,
            currency=product.currency,
            version=product.version,
        )

    def take_down(self, product: Product) -> None:
        self.shown.pop(product.id, None)

    def product(self, product_id: str) -> ProductOnShow:
        if product_id not in self.shown:
            raise NotFound("product", product_id)
        return self.shown[product_id]

    def products_of(self, store_id: str, after: str, limit: int) -> list[ProductOnShow]:
        in_order = [self.shown[product_id] for product_id in sorted(self.shown) if product_id > after]
        return [product for product in in_order if product.store_id == store_id][:limit]
