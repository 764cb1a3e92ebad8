"""Shopping lists, bots and copies of stores as rows."""

from sqlalchemy import select

from contexts.depot.adapters import tables
from contexts.depot.adapters.tables import bots, shopping_lists
from contexts.depot.domain import Bot, BotStatus, ListStatus, ShoppingList, Store
from mallbots_platform.database import Database
from mallbots_platform.rows import Rows, upsert


class SqlShoppingLists:
    def __init__(self, rows: Rows[ShoppingList]) -> None:
        self.rows = rows
        self.get, self.add, self.save = rows.get, rows.add, rows.save

    def of_order(self, order_id: str) -> ShoppingList | None:
        return self.rows.first(shopping_lists.c.order_id == order_id)

    def oldest_available(self) -> ShoppingList | None:
        available = shopping_lists.c.status == ListStatus.AVAILABLE.value
        return self.rows.first(available, order_by=(shopping_lists.c.id,))

    def page(self, after: str, limit: int, status: ListStatus | None = None, order_id: str = "") -> list[ShoppingList]:
        wanted = [shopping_lists.c.id > after]
        if status is not None:
            wanted.append(shopping_lists.c.status == status.value)
        if order_id:
            wanted.append(shopping_lists.c.order_id == order_id)
        return self.rows.all(*wanted, order_by=(shopping_lists.c.id,), limit=limit)


class SqlBots:
    def __init__(self, rows: Rows[Bot]) -> None:
        self.rows = rows
        self.get, self.add, self.save = rows.get, rows.add, rows.save

    def longest_idle(self) -> Bot | None:
        idle = bots.c.status == BotStatus.IDLE.value
        return self.rows.first(idle, order_by=(bots.c.idle_since, bots.c.id))

    def page(self, after: str, limit: int) -> list[Bot]:
        return self.rows.all(bots.c.id > after, order_by=(bots.c.id,), limit=limit)


class SqlStores:
    def __init__(self, database: Database) -> None:
        self.database = database

    def find(self, store_id: str) -> Store | None:
        statement = select(tables.stores).where(tables.stores.c.store_id == store_id)
        for row in self.database.execute(statement):
            return Store(
                store_id=row.store_id,
                name=row.name,
                location=row.location,
                is_open=row.is_open,
                version=row.version,
            )
        return None

    def keep(self, store: Store) -> None:
        values = {
            "store_id": store.store_id,
            "name": store.name,
            "location": store.location,
            "is_open": store.is_open,
            "version": store.version,
        }
        self.database.execute(upsert(tables.stores, values, only_newer="version"))
