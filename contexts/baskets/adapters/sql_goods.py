"""Copies of products and stores as rows; the version says which copy is newer."""

from sqlalchemy import BigInteger, Boolean, Column, MetaData, String, Table, select

from contexts.baskets.domain import Product, Store
from mallbots_platform.database import Database
from mallbots_platform.errors import NotFound
from mallbots_platform.rows import upsert

metadata = MetaData()

products = Table(
    "products",
    metadata,
    Column("product_id", String, primary_key=True),
    Column("store_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("is_removed", Boolean, nullable=False),
)

stores = Table(
    "stores",
    metadata,
    Column("store_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("participates", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
)


class SqlGoods:
    def __init__(self, database: Database) -> None:
        self.database = database

    def product(self, product_id: str) -> Product:
        found = self.find_product(product_id)
        if found is None:
            raise NotFound("product", product_id)
        return found

    def store(self, store_id: str) -> Store:
        found = self.find_store(store_id)
        if found is None:
            raise NotFound("store", store_id)
        return found

    def find_product(self, product_id: str) -> Product | None:
        for row in self.database.execute(select(products).where(products.c.product_id == product_id)):
            return Product(**row._mapping)
        return None

    def find_store(self, store_id: str) -> Store | None:
        for row in self.database.execute(select(stores).where(stores.c.store_id == store_id)):
            return Store(**row._mapping)
        return None

    def keep_product(self, product: Product) -> None:
        values = {
            "product_id": product.product_id,
            "store_id": product.store_id,
            "name": product.name,
            "price": product.price,
            "currency": product.currency,
            "version": product.version,
            "is_removed": product.is_removed,
        }
        self.database.execute(upsert(products, values, only_newer="version"))

    def keep_store(self, store: Store) -> None:
        values = {
            "store_id": store.store_id,
            "name": store.name,
            "version": store.version,
            "participates": store.participates,
            "is_open": store.is_open,
        }
        self.database.execute(upsert(stores, values, only_newer="version"))
