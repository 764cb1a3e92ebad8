"""Copies of stores and products as rows."""

from collections.abc import Collection

from sqlalchemy import select

from contexts.depot.adapters.tables import products, stores
from contexts.depot.domain import Product, Store
from mallbots_platform.database import Database
from mallbots_platform.rows import upsert


class SqlStores:
    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, store_id: str) -> Store | None:
        return self.among([store_id]).get(store_id)

    def among(self, store_ids: Collection[str]) -> dict[str, Store]:
        found = self.database.execute(select(stores).where(stores.c.store_id.in_(store_ids)))
        return {row.store_id: Store(**row._mapping) for row in found}

    def keep(self, store: Store) -> None:
        values = {
            "store_id": store.store_id,
            "name": store.name,
            "location": store.location,
            "is_open": store.is_open,
            "version": store.version,
        }
        self.database.execute(upsert(stores, values, only_newer="version"))


class SqlProducts:
    def __init__(self, database: Database) -> None:
        self.database = database

    def among(self, product_ids: Collection[str]) -> dict[str, Product]:
        found = self.database.execute(select(products).where(products.c.product_id.in_(product_ids)))
        return {row.product_id: Product(**row._mapping) for row in found}

    def keep(self, product: Product) -> None:
        values = {"product_id": product.product_id, "name": product.name, "version": product.version}
        self.database.execute(upsert(products, values, only_newer="version"))
