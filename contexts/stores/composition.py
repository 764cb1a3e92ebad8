"""Stores as one process: which adapters it uses, what it publishes and serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contexts.stores.adapters.grpc_api import StoresApi
from contexts.stores.adapters.sql_catalogue import SqlCatalogue
from contexts.stores.adapters.sql_mall import SqlMall
from contexts.stores.adapters.sql_skus import SqlSkus
from contexts.stores.adapters.tables import metadata
from contexts.stores.application.published_events import published_events
from contexts.stores.contract import CONTRACT, stores_pb2
from contexts.stores.domain import Product, Store
from contexts.stores.domain.events import PRODUCT_EVENTS, STORE_EVENTS
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(metadata)
        stores = process.event_sourced(Store, events=STORE_EVENTS)
        products = process.event_sourced(Product, events=PRODUCT_EVENTS)
        skus = SqlSkus(process.database)
        mall = SqlMall(process.database)
        catalogue = SqlCatalogue(process.database)

        process.publish(published_events)
        process.serve(
            StoresApi(stores, products, skus, mall, catalogue, process.new_id),
            stores_pb2.DESCRIPTOR.services_by_name["StoresService"],
        )
        yield process
