from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from contexts.stores.adapters.tables import skus
from contexts.stores.domain import SkuIsTaken
from mallbots_platform.database import Database


class SqlSkus:
    """The primary key decides; the writer's savepoint takes back what a refused claim left behind."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def claim(self, store_id: str, sku: str, product_id: str) -> None:
        try:
            self.database.execute(insert(skus).values(store_id=store_id, sku=sku, product_id=product_id))
        except IntegrityError as duplicate:
            raise SkuIsTaken(sku) from duplicate

    def release(self, store_id: str, sku: str) -> None:
        self.database.execute(delete(skus).where(skus.c.store_id == store_id, skus.c.sku == sku))
