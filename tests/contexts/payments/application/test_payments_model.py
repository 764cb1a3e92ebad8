from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import integers, sampled_from

from contexts.payments.contract import InvoiceAdjusted, InvoicePaid, InvoiceRefunded
from mallbots_platform.errors import NotFound, RuleViolated
from tests.contexts.payments.desk import HOLD, LIMIT, Desk, adjusted, approved, cancelled

PAYMENTS = sampled_from(["p0", "p1", "p2"])
ORDERS = sampled_from(["o0", "o1"])
CUSTOMERS = sampled_from(["c", "d"])
HELD = sampled_from([300, 500, LIMIT + 1])
COSTS = integers(200, 600)


@dataclass
class Hold:
    customer_id: str
    amount: int
    expires_at: datetime
    status: str
    order_id: str = ""


@dataclass
class Bill:
    amount: int
    status: str = "issued"
    paid: int = 0
    refunded: int = 0


class PaymentsModel(RuleBasedStateMachine):
    """Holds and invoices as plain records: whatever is asked in whatever order, and what orders say in theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.holds: dict[str, Hold] = {}
        self.bills: dict[str, Bill] = {}
        self.ended: set[str] = set()

    @precondition(lambda self: len(self.holds) < 3)
    @rule(customer_id=CUSTOMERS, amount=HELD)
    def hold(self, customer_id: str, amount: int) -> None:
        payment_id = f"p{len(self.holds)}"
        self.desk.holds(amount, payment_id, customer_id)
        status = "declined" if amount > LIMIT else "authorized"
        self.holds[payment_id] = Hold(customer_id, amount, self.desk.now + HOLD, status)

    @rule(payment_id=PAYMENTS, order_id=ORDERS, customer_id=CUSTOMERS, amount=COSTS)
    def confirm(self, payment_id: str, order_id: str, customer_id: str, amount: int) -> None:
        hold = self.holds.get(payment_id)
        with self.refused_unless(hold is not None and self.covers(hold, order_id, customer_id, amount)):
            self.desk.confirms(amount, payment_id, order_id, customer_id)
            assert hold
            hold.status, hold.order_id = "confirmed", order_id

    @rule(payment_id=PAYMENTS, order_id=ORDERS)
    def release(self, payment_id: str, order_id: str) -> None:
        hold = self.holds.get(payment_id)
        with self.refused_unless(hold is not None and hold.status != "declined" and hold.order_id in ("", order_id)):
            self.desk.releases(payment_id, order_id)
            assert hold
            hold.status = "released"

    @rule(minutes=integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        self.desk.now += timedelta(minutes=minutes)

    @rule(order_id=ORDERS, total=integers(0, 1000))
    def order_is_approved(self, order_id: str, total: int) -> None:
        if order_id not in self.bills and order_id not in self.ended:
            self.desk.hears(approved(total, order_id))
            self.bills[order_id] = Bill(total)

    @rule(order_id=ORDERS, less=integers(0, 300))
    def order_is_adjusted(self, order_id: str, less: int) -> None:
        bill = self.bills.get(order_id)
        total = max(0, bill.amount - less) if bill else 700
        if order_id in self.ended:
            return
        self.desk.hears(adjusted(total, order_id))
        if bill and bill.status in ("issued", "paid"):
            bill.amount = total
            bill.refunded = max(bill.refunded, bill.paid - total)

    @rule(order_id=ORDERS)
    def order_is_cancelled(self, order_id: str) -> None:
        if order_id in self.ended:
            return
        self.desk.hears(cancelled(order_id))
        self.ended.add(order_id)
        bill = self.bills.get(order_id)
        if bill and bill.status in ("issued", "paid"):
            bill.status, bill.refunded = ("refunded" if bill.status == "paid" else "cancelled"), bill.paid

    @rule(order_id=ORDERS)
    def customer_pays(self, order_id: str) -> None:
        bill = self.bills.get(order_id)
        with self.refused_unless(bill is not None and bill.status == "issued"):
            self.desk.takes_money(order_id)
            assert bill
            bill.status, bill.paid = "paid", bill.amount

    @rule(order_id=ORDERS)
    def staff_refunds(self, order_id: str) -> None:
        bill = self.bills.get(order_id)
        with self.refused_unless(bill is not None and bill.status == "paid"):
            self.desk.gives_back(order_id)
            assert bill
            bill.status, bill.refunded = "refunded", bill.paid

    @invariant()
    def holds_are_as_expected(self) -> None:
        kept = {each.id: (each.amount, each.status, each.order_id) for each in self.desk.payments.all()}
        assert kept == {id: (hold.amount, hold.status, hold.order_id) for id, hold in self.holds.items()}

    @invariant()
    def invoices_are_as_expected(self) -> None:
        kept = {each.id: Bill(each.amount, each.status, each.paid, each.refunded) for each in self.desk.invoices.all()}
        assert kept == self.bills

    @invariant()
    def what_was_told_adds_up(self) -> None:
        told = self.desk.told
        came = sum(each.amount for each in told if isinstance(each, InvoicePaid))
        adjusted_away = sum(each.refunded for each in told if isinstance(each, InvoiceAdjusted))
        went = sum(each.amount for each in told if isinstance(each, InvoiceRefunded))
        assert came - adjusted_away - went == sum(bill.paid - bill.refunded for bill in self.bills.values())

    def covers(self, hold: Hold, order_id: str, customer_id: str, amount: int) -> bool:
        lives = hold.status == "confirmed" or (hold.status == "authorized" and self.desk.now < hold.expires_at)
        fits = hold.customer_id == customer_id and amount <= hold.amount
        return lives and fits and hold.order_id in ("", order_id)

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed else pytest.raises((RuleViolated, NotFound))


TestPaymentsModel = PaymentsModel.TestCase
TestPaymentsModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
