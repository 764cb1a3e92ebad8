"""Customers as one process: which adapters it uses, what it publishes, serves and takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from contexts.customers.adapters import CustomersApi, SqlCustomerList, metadata
from contexts.customers.adapters import customers as customers_table
from contexts.customers.application import authorize_customer, published_events
from contexts.customers.contract import CONTRACT, AuthorizeCustomer, customers_pb2
from contexts.customers.domain import Customer
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(metadata)
        customers = process.rows(Customer, customers_table)

        process.publish(published_events)
        process.serve(
            CustomersApi(customers, SqlCustomerList(customers), process.new_id),
            customers_pb2.DESCRIPTOR.services_by_name["CustomersService"],
        )
        process.take_commands("ordering", {AuthorizeCustomer: partial(authorize_customer, customers=customers)})
        yield process
