"""The use cases of stores over ports in memory, in a teller's words."""

from contexts.stores.application.add_product import AddProduct, add_product
from contexts.stores.application.close_store import CloseStore, close_store
from contexts.stores.application.enable_participation import EnableParticipation, enable_participation
from contexts.stores.application.open_store import OpenStore, open_store
from contexts.stores.domain import Product, Store
from mallbots_platform.testing import MemoryRepository
from tests.contexts.stores.memory import MemoryCatalogue, MemoryMall, MemorySkus


class Shop:
    def __init__(self) -> None:
        self.stores: MemoryRepository[Store] = MemoryRepository("store")
        self.products: MemoryRepository[Product] = MemoryRepository("product")
        self.skus = MemorySkus()
        self.mall = MemoryMall()
        self.catalogue = MemoryCatalogue()

    def opens(self, store_id: str = "s") -> None:
        open_store(OpenStore(store_id=store_id, name="Crafts", location="level 1"), self.stores, self.mall)

    def takes_part(self, store_id: str = "s") -> None:
        enable_participation(EnableParticipation(store_id=store_id), self.stores, self.mall)

    def closes(self, store_id: str = "s") -> None:
        close_store(CloseStore(store_id=store_id), self.stores, self.mall)

    def adds(self, product_id: str = "p", store_id: str = "s", sku: str = "C-1") -> None:
        command = AddProduct(
            product_id=product_id,
            store_id=store_id,
            name="Clay",
            description="1 kg",
            sku=sku,
            price=500,
            currency="EUR",
        )
        add_product(command, self.stores, self.products, self.skus, self.catalogue)
