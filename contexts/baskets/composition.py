"""Baskets as one process: which adapters it uses, what it publishes, serves and listens to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from contexts.baskets.adapters.grpc_api import BasketsApi
from contexts.baskets.adapters.grpc_stores import GrpcStores
from contexts.baskets.adapters.sql_goods import SqlGoods, metadata
from contexts.baskets.adapters.sql_goods import products as products_table
from contexts.baskets.adapters.sql_goods import stores as stores_table
from contexts.baskets.adapters.subscriptions import Reactions
from contexts.baskets.adapters.timer_patience import BasketIsLeftAlone, TimerPatience
from contexts.baskets.application.published_events import published_events
from contexts.baskets.contract import CONTRACT, baskets_pb2
from contexts.baskets.domain import Basket
from contexts.baskets.domain.events import BASKET_EVENTS
from contexts.stores import contract as mall
from contexts.stores.contract import stores_pb2
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(metadata)
        baskets = process.event_sourced(Basket, events=BASKET_EVENTS)
        goods = SqlGoods(process.database)
        lasts = timedelta(seconds=settings.number("ABANDON_AFTER_SECONDS", 1800))
        patience = TimerPatience(process.timers, lasts, process.now)
        stores_service = stores_pb2.DESCRIPTOR.services_by_name["StoresService"]
        stores = GrpcStores(goods, lambda: process.client("stores", stores_service), process.change, process.read)
        react = Reactions(baskets, goods)

        process.publish(published_events)
        process.serve(
            BasketsApi(baskets, goods, patience, stores, process.new_id),
            baskets_pb2.DESCRIPTOR.services_by_name["BasketsService"],
        )
        process.project(
            mall.CONTRACT,
            {
                mall.StoreOpened: react.on_store_opened,
                mall.StoreRebranded: react.on_store_rebranded,
                mall.StoreParticipationEnabled: react.on_participation_enabled,
                mall.StoreParticipationDisabled: react.on_participation_disabled,
                mall.StoreClosed: react.on_store_closed,
                mall.ProductAdded: react.on_product_added,
                mall.ProductRebranded: react.on_product_rebranded,
                mall.ProductPriceChanged: react.on_product_price_changed,
                mall.ProductRemoved: react.on_product_removed,
            },
            tables=(products_table, stores_table),
        )
        process.on_timers({BasketIsLeftAlone: react.on_basket_is_left_alone})
        yield process
