"""Depot as one process: which adapters it uses, what it publishes, serves, listens to and takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from contexts.depot.adapters import tables
from contexts.depot.adapters.bot_leases import BotIsSilent, TimerLeases
from contexts.depot.adapters.grpc_api import DepotApi
from contexts.depot.adapters.sql_depot import SqlBots, SqlShoppingLists
from contexts.depot.adapters.sql_mall import SqlProducts, SqlStores
from contexts.depot.adapters.subscriptions import Reactions
from contexts.depot.application.cancel_shopping_list import cancel_shopping_list
from contexts.depot.application.create_shopping_list import create_shopping_list
from contexts.depot.application.published_events import published_events
from contexts.depot.application.schedule_shopping import schedule_shopping
from contexts.depot.contract import CONTRACT, CancelShoppingList, CreateShoppingList, ScheduleShopping, depot_pb2
from contexts.depot.domain import Bot, ShoppingList
from contexts.stores import contract as mall
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(tables.metadata)
        lists = SqlShoppingLists(process.rows(ShoppingList, tables.shopping_lists), process.database)
        bots = SqlBots(process.rows(Bot, tables.bots), process.database)
        stores, products = SqlStores(process.database), SqlProducts(process.database)
        lease = timedelta(seconds=settings.number("BOT_LEASE_SECONDS", 30))
        leases = TimerLeases(process.timers, lease, process.now)
        react = Reactions(lists, bots, stores, products)

        process.publish(published_events)
        process.serve(
            DepotApi(lists, bots, stores, products, leases, process.new_id, process.now),
            depot_pb2.DESCRIPTOR.services_by_name["DepotService"],
        )
        process.show("mallbots_bots", "state", bots.counts)
        process.project(
            mall.CONTRACT,
            {
                mall.StoreOpened: react.on_store_opened,
                mall.StoreRebranded: react.on_store_rebranded,
                mall.StoreClosed: react.on_store_closed,
                mall.ProductAdded: react.on_product_named,
                mall.ProductRebranded: react.on_product_named,
            },
            tables=(tables.stores, tables.products),
        )
        process.take_commands(
            "ordering",
            {
                CreateShoppingList: partial(create_shopping_list, lists=lists, stores=stores, new_id=process.new_id),
                ScheduleShopping: partial(schedule_shopping, lists=lists, bots=bots),
                CancelShoppingList: partial(cancel_shopping_list, lists=lists, bots=bots, now=process.now),
            },
        )
        process.on_timers({BotIsSilent: react.on_bot_is_silent})
        yield process
