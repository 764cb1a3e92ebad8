"""The ports of depot, in memory and in SQL."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import delete

from contexts.depot.adapters.sql_depot import SqlBots, SqlShoppingLists
from contexts.depot.adapters.sql_mall import SqlProducts, SqlStores
from contexts.depot.adapters.tables import bots as bots_table
from contexts.depot.adapters.tables import metadata, shopping_lists
from contexts.depot.application.ports import Bots, Products, ShoppingLists, Stores
from contexts.depot.contract import CONTRACT
from contexts.depot.domain import Bot, ShoppingList
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.outbox import Outbox
from mallbots_platform.rows import Rows
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from telemetry.tracing import Tracer
from tests.contexts.depot.memory import MemoryBots, MemoryProducts, MemoryShoppingLists, MemoryStores


class Ports(NamedTuple):
    lists: ShoppingLists
    bots: Bots
    stores: Stores
    products: Products


def in_memory() -> Ports:
    return Ports(MemoryShoppingLists(), MemoryBots(), MemoryStores(), MemoryProducts())


def in_sql(database: Database) -> Ports:
    """Over empty tables."""
    for table in metadata.sorted_tables:
        database.execute(delete(table))
    outbox = Outbox("depot", 4, Writer(database, Meter("depot")), Codec(CONTRACT), Tracer())
    lists = SqlShoppingLists(Rows(ShoppingList, shopping_lists, database, outbox), database)
    bots = SqlBots(Rows(Bot, bots_table, database, outbox), database)
    return Ports(lists, bots, SqlStores(database), SqlProducts(database))


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    database.create(metadata)
    yield database
    database.close()


def fields_of(thing: ShoppingList | Bot) -> dict[str, object]:
    """Not the correlation: that is the outbox's affair."""
    return {name: value for name, value in vars(thing).items() if name not in ("_recorded", "correlation_id")}
