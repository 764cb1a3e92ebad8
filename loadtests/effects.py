"""What the mall's APIs and its operators say about orders, after a run."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contexts.depot.contract import depot_pb2
from contexts.payments.contract import payments_pb2
from loadtests.reconciliation import Found
from mallbots.actors.mall import Mall
from mallbots.books import Books
from mallbots_platform import operator_pb2
from mallbots_platform.errors import NotFound

PAGE = 100
AT_ONCE = 16
CHECKED_OUT, CREATED = "baskets.BasketCheckedOut", "ordering.OrderCreated"


async def find_effects(
    mall: Mall, books: Books, log: Iterable[operator_pb2.LogEntry], payments: Mapping[str, str]
) -> dict[str, Found]:
    """By order. `payments` are the ids of their customers' payments."""
    said = Counter((entry.type, entry.subject) for entry in log)
    known = _Known(said, books, *await asyncio.gather(_lists(mall), _invoices(mall), _holds(mall, payments)))
    orders = {subject for type, subject in said if type == CHECKED_OUT} | set(books.orders)
    return {id: known.of(id) for id in orders}


@dataclass(frozen=True, slots=True)
class _Known:
    """How often each message was said of each subject; and what the APIs say, by order."""

    said: Counter[tuple[str, str]]
    books: Books
    lists: Mapping[str, list[str]]
    invoices: Mapping[str, payments_pb2.Invoice]
    holds: Mapping[str, str]

    def of(self, id: str) -> Found:
        record, invoice = self.books.orders.get(id), self.invoices.get(id, payments_pb2.Invoice())
        return Found(
            checked_out=self.said[CHECKED_OUT, id],
            created=self.said[CREATED, id],
            state=record.state if record else "unknown",
            total=record.total if record else 0,
            paid=invoice.paid,
            refunded=invoice.refunded,
            lists=tuple(self.lists.get(id, ())),
            payment=self.holds.get(id, "unknown"),
        )


async def _lists(mall: Mall) -> dict[str, list[str]]:
    """The states of all shopping lists, by order."""
    lists: dict[str, list[str]] = defaultdict(list)
    token = ""
    while True:
        request = depot_pb2.ListShoppingListsRequest(page_size=PAGE, page_token=token)
        page = await mall.look(mall.depot.ListShoppingLists, request)
        for each in page.shopping_lists:
            name = depot_pb2.ShoppingListStatus.Name(each.status)
            lists[each.order_id].append(_plain(name, "SHOPPING_LIST_STATUS_"))
        if not (token := page.next_page_token):
            return lists


async def _invoices(mall: Mall) -> dict[str, payments_pb2.Invoice]:
    invoices: dict[str, payments_pb2.Invoice] = {}
    token = ""
    while True:
        request = payments_pb2.ListInvoicesRequest(page_size=PAGE, page_token=token)
        page = await mall.look(mall.payments.ListInvoices, request)
        invoices |= {invoice.order_id: invoice for invoice in page.invoices}
        if not (token := page.next_page_token):
            return invoices


async def _holds(mall: Mall, payments: Mapping[str, str]) -> dict[str, str]:
    """The states of payments, by order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(payment_id: str) -> str:
        async with places:
            return await _hold(mall, payment_id)

    states = await asyncio.gather(*(ask(payment_id) for payment_id in payments.values()))
    return dict(zip(payments, states, strict=True))


async def _hold(mall: Mall, payment_id: str) -> str:
    request = payments_pb2.GetPaymentRequest(payment_id=payment_id)
    try:
        looked: Any = await mall.look(mall.payments.GetPayment, request)
    except NotFound:
        return "unknown"
    return _plain(payments_pb2.PaymentStatus.Name(looked.payment.status), "PAYMENT_STATUS_")


def _plain(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).replace("_", " ").lower()
