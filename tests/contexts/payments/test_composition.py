"""Payments as a running process, between customers who call it and an ordering that speaks to it."""

from contextlib import suppress
from typing import Any

from contexts.ordering import contract as ordering
from contexts.ordering.composition import compose as compose_ordering
from contexts.ordering.domain import Item, Order
from contexts.ordering.domain.events import ORDER_EVENTS
from contexts.payments.composition import compose
from contexts.payments.contract import CONTRACT, ConfirmPayment, ReleasePayment
from contexts.payments.contract import payments_pb2 as pb
from mallbots_platform.errors import NotFound
from mallbots_platform.grpc_client import Client
from mallbots_platform.partitions import EVENTS, commands_for, replies_for
from mallbots_platform.process import open_process
from tests.contexts.payments.desk import adjusted, approved, cancelled
from tests.support.world import Running, World, eventually

CLAY = Item(product_id="q", store_id="s", name="Clay", store_name="Crafts", quantity=1, price=500)


async def test_payments_hears_orders_and_takes_money(world: World) -> None:
    payments = await world.start(compose(world.settings_of("payments")))
    teller = await world.start(open_process(ordering.CONTRACT, world.settings_of("ordering")))

    await record(teller, EVENTS, approved(500))
    paid = await pay_once_issued(payments)
    await record(teller, EVENTS, adjusted(300), cancelled())

    assert (paid.status, paid.paid) == (pb.INVOICE_STATUS_PAID, 500)
    assert await said(payments, EVENTS, 4) == [
        *("payments.InvoiceIssued", "payments.InvoicePaid"),
        *("payments.InvoiceAdjusted", "payments.InvoiceRefunded"),
    ]
    assert await payments.counts(500, "mallbots_sales_minor_total", currency="EUR")


async def test_payments_answers_the_order_process_the_same_again(world: World) -> None:
    payments = await world.start(compose(world.settings_of("payments")))
    teller = await world.start(open_process(ordering.CONTRACT, world.settings_of("ordering")))
    teller.process.codec.know(CONTRACT)
    request = pb.AuthorizePaymentRequest(customer_id="c", amount=500, currency="EUR")
    hold = (await till(payments).AuthorizePayment(request)).payment
    confirm = ConfirmPayment(payment_id=hold.payment_id, order_id="o", customer_id="c", amount=500, currency="EUR")
    release = ReleasePayment(payment_id=hold.payment_id, order_id="o", customer_id="c")

    await record(teller, commands_for("payments"), confirm, confirm, release, release, confirm)

    assert await said(payments, replies_for("ordering"), 5) == [*["platform.Accepted"] * 4, "platform.Refused"]
    assert await said(payments, EVENTS, 2) == ["payments.PaymentAuthorized", "payments.PaymentReleased"]


async def test_ordering_listens_to_the_payment(world: World) -> None:
    payments = await world.start(compose(world.settings_of("payments")))
    orders = await world.start(compose_ordering(world.settings_of("ordering")))

    await orders.process.change(lambda: approve_an_order(orders))
    await pay_once_issued(payments)

    assert (await said(orders, EVENTS, 3))[1:] == ["ordering.OrderApproved", "ordering.OrderPaid"]


def approve_an_order(orders: Running) -> None:
    order = Order.create("o", "c", "p", (CLAY,), "EUR")
    order.approve("l")
    orders.process.event_sourced(Order, events=ORDER_EVENTS).add(order)


def till(payments: Running) -> Client:
    return payments.process.client("payments", pb.DESCRIPTOR.services_by_name["PaymentsService"])


async def pay_once_issued(payments: Running) -> pb.Invoice:
    async def pay() -> Any:
        with suppress(NotFound):
            return await till(payments).PayInvoice(pb.PayInvoiceRequest(order_id="o"))

    invoice: pb.Invoice = (await eventually(pay)).invoice
    return invoice


async def record(teller: Running, channel: str, *messages: object) -> None:
    def work() -> None:
        for message in messages:
            teller.process.outbox.record(message, key="o", channel=channel)

    await teller.process.change(work)


async def said(running: Running, channel: str, count: int) -> list[str]:
    """The types of what it said there, once there are so many."""

    async def types() -> list[str]:
        rows = await running.rows("SELECT type FROM outbox WHERE channel = ? ORDER BY partition, seq", channel)
        return [type for (type,) in rows] if len(rows) >= count else []

    found: list[str] = await eventually(types)
    return found
