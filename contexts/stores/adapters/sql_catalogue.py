from sqlalchemy import ColumnElement, delete, select

from contexts.stores.adapters.tables import catalogue
from contexts.stores.application.ports import ProductOnShow
from contexts.stores.domain import Product
from mallbots_platform.database import Database
from mallbots_platform.errors import NotFound
from mallbots_platform.rows import upsert


class SqlCatalogue:
    def __init__(self, database: Database) -> None:
        self.database = database

    def show(self, product: Product) -> None:
        shown = {
            "product_id": product.id,
            "store_id": product.store_id,
            "name": product.name,
            "description": product.description,
            "sku": product.sku,
            "price": product.price,
            "currency": product.currency,
            "version": product.version,
        }
        self.database.execute(upsert(catalogue, shown, only_newer="version"))

    def take_down(self, product: Product) -> None:
        self.database.execute(delete(catalogue).where(catalogue.c.product_id == product.id))

    def product(self, product_id: str) -> ProductOnShow:
        found = self._on_show(catalogue.c.product_id == product_id, limit=1)
        if not found:
            raise NotFound("product", product_id)
        return found[0]

    def products_of(self, store_id: str, after: str, limit: int) -> list[ProductOnShow]:
        return self._on_show(catalogue.c.store_id == store_id, catalogue.c.product_id > after, limit=limit)

    def _on_show(self, *where: ColumnElement[bool], limit: int) -> list[ProductOnShow]:
        rows = self.database.execute(select(catalogue).where(*where).order_by(catalogue.c.product_id).limit(limit))
        return [ProductOnShow(**row) for row in rows.mappings()]
