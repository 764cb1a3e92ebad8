"""Asks stores for what is not known here yet: the call-back that goes with a copy kept by events."""

from collections.abc import Awaitable, Callable
from typing import Any

from contexts.baskets.application.ports import Goods
from contexts.baskets.domain import Product, Store
from contexts.stores.contract import stores_pb2 as pb

StoresClient = Any


class GrpcStores:
    """`client` gives a client of stores' API; `change` runs a function in a transaction, `read` one that only looks."""

    def __init__(
        self,
        goods: Goods,
        client: Callable[[], StoresClient],
        change: Callable[[Callable[[], None]], Awaitable[None]],
        read: Callable[[Callable[[], bool]], Awaitable[bool]],
    ) -> None:
        self.goods = goods
        self.client = client
        self.change = change
        self.read = read

    async def fill_in(self, product_id: str) -> None:
        """Keep a copy of a product and of its store, if they are not known. Raises NotFound, Unavailable."""
        if await self.read(lambda: self._knows(product_id)):
            return
        stores = self.client()
        product = (await stores.GetProduct(pb.GetProductRequest(product_id=product_id))).product
        store = (await stores.GetStore(pb.GetStoreRequest(store_id=product.store_id))).store
        await self.change(lambda: self._keep(product, store))

    def _knows(self, product_id: str) -> bool:
        product = self.goods.find_product(product_id)
        return product is not None and self.goods.find_store(product.store_id) is not None

    def _keep(self, product: pb.Product, store: pb.Store) -> None:
        self.goods.keep_product(
            Product(
                product_id=product.product_id,
                store_id=product.store_id,
                name=product.name,
                price=product.price,
                currency=product.currency,
                version=product.version,
            )
        )
        self.goods.keep_store(
            Store(
                store_id=store.store_id,
                name=store.name,
                version=store.version,
                participates=store.participating,
                is_open=store.open,
            )
        )
