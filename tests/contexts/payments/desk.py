"""The use cases of payments over ports in memory, in a teller's words."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from contexts.ordering.contract import OrderAdjusted, OrderApproved, OrderCancelled
from contexts.payments.adapters.bank import CautiousBank
from contexts.payments.adapters.subscriptions import Reactions
from contexts.payments.application.authorize_payment import AuthorizePayment, authorize_payment
from contexts.payments.application.confirm_payment import confirm_payment
from contexts.payments.application.pay_invoice import PayInvoice, pay_invoice
from contexts.payments.application.published_events import published_events
from contexts.payments.application.refund_invoice import RefundInvoice, refund_invoice
from contexts.payments.application.release_payment import release_payment
from contexts.payments.contract import ConfirmPayment, ReleasePayment
from contexts.payments.domain import Invoice, Payment
from mallbots_platform.testing import MemoryRepository
from tests.contexts.payments.memory import MemoryInvoiceList

T = TypeVar("T", bound=Payment | Invoice)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLD = timedelta(hours=1)
LIMIT = 10_000


class Told(MemoryRepository[T]):
    """Notes what the other contexts are told when something is kept."""

    def __init__(self, kind: str, told: list[object]) -> None:
        super().__init__(kind)
        self.told = told

    def _keep(self, thing: T) -> None:
        for event in thing.recorded:
            self.told.extend(published_events(thing, event))
        super()._keep(thing)


class Desk:
    """`told` is what the other contexts heard; `now` what the clock on the wall says."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.payments: Told[Payment] = Told("payment", self.told)
        self.invoices: Told[Invoice] = Told("invoice", self.told)
        self.invoice_list = MemoryInvoiceList(self.invoices)
        self.bank = CautiousBank(declines_above=LIMIT)
        self.react = Reactions(self.invoices)
        self.now = NOON

    def holds(self, amount: int = 500, payment_id: str = "p", customer_id: str = "c") -> Payment:
        command = AuthorizePayment(
            payment_id=payment_id,
            customer_id=customer_id,
            amount=amount,
            currency="EUR",
            expires_at=self.now + HOLD,
        )
        return authorize_payment(command, self.payments, self.bank)

    def confirms(self, amount: int = 500, payment_id: str = "p", order_id: str = "o", customer_id: str = "c") -> None:
        command = ConfirmPayment(
            payment_id=payment_id, order_id=order_id, customer_id=customer_id, amount=amount, currency="EUR"
        )
        confirm_payment(command, self.payments, lambda: self.now)

    def releases(self, payment_id: str = "p", order_id: str = "o", customer_id: str = "c") -> None:
        command = ReleasePayment(payment_id=payment_id, order_id=order_id, customer_id=customer_id)
        release_payment(command, self.payments)

    def hears(self, *events: OrderApproved | OrderAdjusted | OrderCancelled) -> None:
        for event in events:
            match event:
                case OrderApproved():
                    self.react.on_order_approved(event)
                case OrderAdjusted():
                    self.react.on_order_adjusted(event)
                case OrderCancelled():
                    self.react.on_order_cancelled(event)

    def takes_money(self, order_id: str = "o") -> Invoice:
        return pay_invoice(PayInvoice(order_id=order_id), self.invoices)

    def gives_back(self, order_id: str = "o") -> Invoice:
        return refund_invoice(RefundInvoice(order_id=order_id), self.invoices)

    def told_of(self, kinds: Iterable[type]) -> list[object]:
        return [message for message in self.told if type(message) in tuple(kinds)]


def approved(total: int = 500, order_id: str = "o") -> OrderApproved:
    return OrderApproved(
        order_id=order_id, customer_id="c", shopping_list_id="l", payment_id="p", total=total, currency="EUR"
    )


def adjusted(total: int, order_id: str = "o") -> OrderAdjusted:
    return OrderAdjusted(order_id=order_id, customer_id="c", items=(), total=total, currency="EUR")


def cancelled(order_id: str = "o") -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id="c", reason="changed my mind")
