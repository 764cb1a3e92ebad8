"""Ordering as one process: which adapters it uses, what it publishes, serves, listens to and orchestrates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from contexts.baskets import contract as baskets
from contexts.customers import contract as customers
from contexts.depot import contract as depot
from contexts.ordering.adapters.grpc_api import OrderingApi
from contexts.ordering.adapters.sql_order_list import SqlOrderList, metadata
from contexts.ordering.adapters.subscriptions import Reactions
from contexts.ordering.application.approve_order import ApproveOrder, approve_order
from contexts.ordering.application.order_process import order_process
from contexts.ordering.application.published_events import published_events
from contexts.ordering.application.reject_order import RejectOrder, reject_order
from contexts.ordering.contract import (
    CONTRACT,
    OrderCancelled,
    OrderCollected,
    OrderReadied,
    OrderRejected,
    ordering_pb2,
)
from contexts.ordering.domain import Order
from contexts.ordering.domain.events import ORDER_EVENTS
from contexts.payments import contract as payments
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(metadata)
        orders = process.event_sourced(Order, events=ORDER_EVENTS)
        order_list = SqlOrderList(process.database)
        react = Reactions(orders, order_list)

        process.publish(published_events)
        process.serve(OrderingApi(orders, order_list), ordering_pb2.DESCRIPTOR.services_by_name["OrderingService"])
        process.show("mallbots_orders", "state", order_list.counts)
        outcomes = {OrderCollected: "collected", OrderRejected: "rejected", OrderCancelled: "cancelled"}
        process.count("mallbots_orders_ended_total", "outcome", outcomes)
        process.time("mallbots_order_ready_seconds", ends=OrderReadied, of=orders)
        process.subscribe(baskets.CONTRACT, {baskets.BasketCheckedOut: react.on_basket_checked_out})
        process.subscribe(
            depot.CONTRACT,
            {
                depot.ItemMissing: react.on_item_missing,
                depot.ShoppingListCompleted: react.on_shopping_list_completed,
            },
        )
        process.subscribe(payments.CONTRACT, {payments.InvoicePaid: react.on_invoice_paid})
        process.orchestrate(
            order_process,
            {
                ApproveOrder: partial(approve_order, orders=orders, order_list=order_list),
                RejectOrder: partial(reject_order, orders=orders, order_list=order_list),
            },
            taken_by={"customers": customers.CONTRACT, "depot": depot.CONTRACT, "payments": payments.CONTRACT},
        )
        yield process
