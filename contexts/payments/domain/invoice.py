"""What an order costs, and what was paid for it. Its id is the order's."""

from enum import StrEnum
from typing import Self

from contexts.payments.domain.errors import (
    AmountIsHigher,
    InvoiceIsCancelled,
    InvoiceIsNotPaid,
    InvoiceIsPaid,
    InvoiceIsRefunded,
)
from mallbots_platform.aggregates import Entity
from mallbots_platform.errors import RuleViolated
from mallbots_platform.messages import event


class InvoiceStatus(StrEnum):
    ISSUED = "issued"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@event
class Issued:
    pass


@event
class Adjusted:
    refunded: int


@event
class Paid:
    pass


@event
class Cancelled:
    pass


@event
class Refunded:
    amount: int


_REFUSALS: dict[InvoiceStatus, type[RuleViolated]] = {
    InvoiceStatus.ISSUED: InvoiceIsNotPaid,
    InvoiceStatus.PAID: InvoiceIsPaid,
    InvoiceStatus.CANCELLED: InvoiceIsCancelled,
    InvoiceStatus.REFUNDED: InvoiceIsRefunded,
}


class Invoice(Entity):
    """`amount` is what the order costs now, `paid` and `refunded` what went which way; minor units."""

    customer_id: str
    amount: int
    currency: str
    status: InvoiceStatus = InvoiceStatus.ISSUED
    paid: int = 0
    refunded: int = 0

    @classmethod
    def issue(cls, order_id: str, customer_id: str, amount: int, currency: str) -> Self:
        invoice = cls(id=order_id, customer_id=customer_id, amount=amount, currency=currency)
        invoice.record(Issued())
        return invoice

    def adjust(self, amount: int) -> None:
        """The order costs less now; what was paid above it is given back."""
        self._must_be(InvoiceStatus.ISSUED, InvoiceStatus.PAID)
        if amount > self.amount:
            raise AmountIsHigher(amount, self.amount)
        too_much = max(0, self.kept - amount)
        self.amount, self.refunded = amount, self.refunded + too_much
        self.record(Adjusted(refunded=too_much))

    def pay(self) -> None:
        self._must_be(InvoiceStatus.ISSUED)
        self.status, self.paid = InvoiceStatus.PAID, self.amount
        self.record(Paid())

    def cancel(self) -> None:
        self._must_be(InvoiceStatus.ISSUED)
        self.status = InvoiceStatus.CANCELLED
        self.record(Cancelled())

    def refund(self) -> None:
        """All that is still there of what was paid."""
        self._must_be(InvoiceStatus.PAID)
        rest = self.kept
        self.status, self.refunded = InvoiceStatus.REFUNDED, self.refunded + rest
        self.record(Refunded(amount=rest))

    @property
    def kept(self) -> int:
        return self.paid - self.refunded

    @property
    def is_paid(self) -> bool:
        return self.status is InvoiceStatus.PAID

    @property
    def is_over(self) -> bool:
        return self.status in (InvoiceStatus.CANCELLED, InvoiceStatus.REFUNDED)

    def _must_be(self, *allowed: InvoiceStatus) -> None:
        if self.status not in allowed:
            raise _REFUSALS[self.status](self.id)
