"""Shopping lists and bots as rows."""

from sqlalchemy import func, select

from contexts.depot.adapters.tables import bots, shopping_lists
from contexts.depot.domain import Bot, BotStatus, ListStatus, ShoppingList
from mallbots_platform.database import Database
from mallbots_platform.rows import Rows


class SqlShoppingLists:
    def __init__(self, rows: Rows[ShoppingList], database: Database) -> None:
        self.rows = rows
        self.database = database
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

    def counts(self) -> dict[ListStatus, int]:
        statement = select(shopping_lists.c.status, func.count().label("number")).group_by(shopping_lists.c.status)
        counted = self.database.execute(statement)
        return dict.fromkeys(ListStatus, 0) | {ListStatus(row.status): row.number for row in counted}


class SqlBots:
    def __init__(self, rows: Rows[Bot], database: Database) -> None:
        self.rows = rows
        self.database = database
        self.get, self.add, self.save = rows.get, rows.add, rows.save

    def longest_idle(self) -> Bot | None:
        """Times are compared as text, where a whole second has no fraction: `12:00:00Z` would follow `12:00:00.5Z`."""
        idle = bots.c.status == BotStatus.IDLE.value
        return self.rows.first(idle, order_by=(func.rtrim(bots.c.idle_since, "Z"), bots.c.id))

    def page(self, after: str, limit: int) -> list[Bot]:
        return self.rows.all(bots.c.id > after, order_by=(bots.c.id,), limit=limit)

    def counts(self) -> dict[BotStatus, int]:
        counted = self.database.execute(select(bots.c.status, func.count().label("number")).group_by(bots.c.status))
        return dict.fromkeys(BotStatus, 0) | {BotStatus(row.status): row.number for row in counted}
