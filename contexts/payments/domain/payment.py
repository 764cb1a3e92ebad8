"""A hold on a customer's money, which serves one order."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from contexts.payments.domain.errors import (
    PaymentIsAnothers,
    PaymentIsDeclined,
    PaymentIsExpired,
    PaymentIsReleased,
    PaymentIsTooSmall,
    PaymentIsUsed,
)
from mallbots_platform.aggregates import Entity
from mallbots_platform.messages import event


class PaymentStatus(StrEnum):
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


@event
class Authorized:
    pass


@event
class Declined:
    reason: str


@event
class Released:
    order_id: str


class Payment(Entity):
    """`amount` is in minor units; `expires_at` is when a hold that serves no order ends."""

    customer_id: str
    amount: int
    currency: str
    expires_at: datetime
    status: PaymentStatus = PaymentStatus.AUTHORIZED
    order_id: str = ""
    reason: str = ""

    @classmethod
    def authorize(
        cls, payment_id: str, customer_id: str, amount: int, currency: str, expires_at: datetime, declined: str = ""
    ) -> Self:
        """`declined` says why it is, if it is."""
        payment = cls(id=payment_id, customer_id=customer_id, amount=amount, currency=currency, expires_at=expires_at)
        if declined:
            payment.status, payment.reason = PaymentStatus.DECLINED, declined
        payment.record(Declined(reason=declined) if declined else Authorized())
        return payment

    def confirm(self, order_id: str, customer_id: str, amount: int, currency: str, now: datetime) -> None:
        """It serves this order from now on. Confirming it again for the same order changes nothing."""
        if self.status is PaymentStatus.DECLINED:
            raise PaymentIsDeclined(self.id, self.reason)
        if self.status is PaymentStatus.RELEASED:
            raise PaymentIsReleased(self.id)
        if self.customer_id != customer_id:
            raise PaymentIsAnothers(self.id)
        if self.order_id not in ("", order_id):
            raise PaymentIsUsed(self.id)
        if self.currency != currency or self.amount < amount:
            raise PaymentIsTooSmall(self.id, f"{self.amount} {self.currency}", f"{amount} {currency}")
        if self.status_at(now) is PaymentStatus.EXPIRED:
            raise PaymentIsExpired(self.id)
        self.status, self.order_id = PaymentStatus.CONFIRMED, order_id

    def status_at(self, now: datetime) -> PaymentStatus:
        """As it is kept, but for a hold that ended by itself: that is never written down."""
        is_over = self.status is PaymentStatus.AUTHORIZED and now >= self.expires_at
        return PaymentStatus.EXPIRED if is_over else self.status

    def may_serve(self, order_id: str, customer_id: str) -> bool:
        """Whether it serves this order, or might yet."""
        is_held = self.status is not PaymentStatus.DECLINED
        return is_held and self.customer_id == customer_id and self.order_id in ("", order_id)

    def release(self, order_id: str, customer_id: str) -> None:
        """Give it back, if it serves this order or none. Releasing it again changes nothing."""
        if self.status is PaymentStatus.DECLINED:
            raise PaymentIsDeclined(self.id, self.reason)
        if self.customer_id != customer_id:
            raise PaymentIsAnothers(self.id)
        if self.order_id not in ("", order_id):
            raise PaymentIsUsed(self.id)
        if self.status is not PaymentStatus.RELEASED:
            self.status = PaymentStatus.RELEASED
            self.record(Released(order_id=self.order_id))
