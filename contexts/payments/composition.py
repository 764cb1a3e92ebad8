"""Payments as one process: which adapters it uses, what it publishes, serves, listens to and takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from contexts.ordering import contract as ordering
from contexts.payments.adapters.bank import DECLINING_BANK, CautiousBank
from contexts.payments.adapters.grpc_api import PaymentsApi
from contexts.payments.adapters.sales import Sales
from contexts.payments.adapters.sql_invoice_list import SqlInvoiceList, metadata
from contexts.payments.adapters.sql_invoice_list import invoices as invoices_table
from contexts.payments.adapters.sql_invoice_list import payments as payments_table
from contexts.payments.adapters.subscriptions import Reactions
from contexts.payments.application.confirm_payment import confirm_payment
from contexts.payments.application.published_events import published_events
from contexts.payments.application.release_payment import release_payment
from contexts.payments.contract import CONTRACT, ConfirmPayment, InvoicePaid, ReleasePayment, payments_pb2
from contexts.payments.domain import Invoice, Payment
from mallbots_platform.faults import Fault
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(CONTRACT, settings) as process:
        process.create_tables(metadata)
        payments = process.rows(Payment, payments_table)
        invoices = process.rows(Invoice, invoices_table)
        invoice_list = SqlInvoiceList(invoices, process.database)
        process.faults.declare(Fault(name=DECLINING_BANK, description="the bank declines every payment"))
        limit = int(settings.number("DECLINE_ABOVE", 1_000_000))
        bank = CautiousBank(limit, has_a_bad_day=lambda: process.faults.strength(DECLINING_BANK))
        hold = timedelta(seconds=settings.number("HOLD_SECONDS", 3600))
        react = Reactions(invoices)

        process.publish(published_events)
        process.outbox.listen(InvoicePaid, Sales(process.writer, process.meter).on_invoice_paid)
        process.serve(
            PaymentsApi(payments, invoices, invoice_list, bank, hold, process.new_id, process.now),
            payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"],
        )
        process.subscribe(
            ordering.CONTRACT,
            {
                ordering.OrderApproved: react.on_order_approved,
                ordering.OrderAdjusted: react.on_order_adjusted,
                ordering.OrderCancelled: react.on_order_cancelled,
            },
        )
        process.take_commands(
            "ordering",
            {
                ConfirmPayment: partial(confirm_payment, payments=payments, now=process.now),
                ReleasePayment: partial(release_payment, payments=payments),
            },
        )
        yield process
