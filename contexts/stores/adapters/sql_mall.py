from sqlalchemy import ColumnElement, select

from contexts.stores.adapters.tables import mall
from contexts.stores.application.ports import StoreOnShow
from contexts.stores.domain import Store
from mallbots_platform.database import Database
from mallbots_platform.errors import NotFound
from mallbots_platform.rows import upsert


class SqlMall:
    def __init__(self, database: Database) -> None:
        self.database = database

    def show(self, store: Store) -> None:
        shown = {
            "store_id": store.id,
            "name": store.name,
            "location": store.location,
            "participating": store.participates,
            "open": store.is_open,
            "version": store.version,
        }
        self.database.execute(upsert(mall, shown, only_newer="version"))

    def store(self, store_id: str) -> StoreOnShow:
        found = self._on_show(mall.c.store_id == store_id, limit=1)
        if not found:
            raise NotFound("store", store_id)
        return found[0]

    def stores(self, after: str, limit: int) -> list[StoreOnShow]:
        return self._on_show(mall.c.store_id > after, limit=limit)

    def participating_stores(self, after: str, limit: int) -> list[StoreOnShow]:
        return self._on_show(mall.c.store_id > after, mall.c.participating, limit=limit)

    def _on_show(self, *where: ColumnElement[bool], limit: int) -> list[StoreOnShow]:
        rows = self.database.execute(select(mall).where(*where).order_by(mall.c.store_id).limit(limit))
        return [StoreOnShow(**row) for row in rows.mappings()]
