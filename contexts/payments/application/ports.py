"""What the use cases need from outside, named for its role."""

from collections.abc import Sequence
from typing import Protocol

from contexts.payments.domain import Invoice, InvoiceStatus, Payment
from mallbots_platform.messages import value


class Payments(Protocol):
    def get(self, id: str) -> Payment:
        """Raises `NotFound`."""

    def add(self, thing: Payment) -> None: ...
    def save(self, thing: Payment) -> None: ...


class Invoices(Protocol):
    def get(self, id: str) -> Invoice:
        """Raises `NotFound`."""

    def find(self, id: str) -> Invoice | None: ...
    def add(self, thing: Invoice) -> None:
        """Raises `AlreadyExists`."""

    def save(self, thing: Invoice) -> None: ...


@value
class Sums:
    """Minor units of one currency."""

    currency: str
    paid: int
    refunded: int


class InvoiceList(Protocol):
    def page(self, after: str, limit: int, status: InvoiceStatus | None = None) -> Sequence[Invoice]:
        """Invoices by their orders' ids, from behind `after`."""

    def counts(self) -> dict[InvoiceStatus, int]:
        """Every status is listed."""

    def sums(self) -> Sequence[Sums]: ...


class Bank(Protocol):
    """Who decides whether a customer's money can be held."""

    def objection(self, customer_id: str, amount: int, currency: str) -> str:
        """Why it declines; empty when it does not."""
