from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples

from contexts.payments.contract import InvoiceAdjusted, InvoicePaid, InvoiceRefunded
from mallbots_platform.errors import NotFound, RuleViolated
from tests.contexts.payments.desk import HOLD, LIMIT, Desk, adjusted, approved, cancelled

PAYMENTS = sampled_from(["p0", "p1", "p2"])
ORDERS = sampled_from(["o0", "o1"])
INVOICED = sampled_from(["o0", "o0", "o0", "o1"])
CUSTOMERS = sampled_from(["c", "c", "d"])
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


class HoldsModel(RuleBasedStateMachine):
    """Three holds as plain records: whatever the order process asks of them, for whichever order."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.holds: dict[str, Hold] = {}

    @initialize(holds=lists(tuples(CUSTOMERS, HELD), min_size=3, max_size=3))
    def customers_authorize(self, holds: list[tuple[str, int]]) -> None:
        for number, (customer_id, amount) in enumerate(holds):
            self.desk.holds(amount, f"p{number}", customer_id)
            status = "declined" if amount > LIMIT else "authorized"
            self.holds[f"p{number}"] = Hold(customer_id, amount, self.desk.now + HOLD, status)

    @rule(payment_id=PAYMENTS, order_id=ORDERS, customer_id=CUSTOMERS, amount=COSTS)
    def confirm(self, payment_id: str, order_id: str, customer_id: str, amount: int) -> None:
        hold = self.holds[payment_id]
        with refused_unless(self.covers(hold, order_id, customer_id, amount)):
            self.desk.confirms(amount, payment_id, order_id, customer_id)
            hold.status, hold.order_id = "confirmed", order_id

    @rule(payment_id=PAYMENTS, order_id=ORDERS, customer_id=CUSTOMERS)
    def release(self, payment_id: str, order_id: str, customer_id: str) -> None:
        hold = self.holds[payment_id]
        is_theirs = hold.customer_id == customer_id and hold.order_id in ("", order_id)
        with refused_unless(hold.status != "declined" and is_theirs):
            self.desk.releases(payment_id, order_id, customer_id)
            hold.status = "released"

    @rule(minutes=sampled_from([1, 59, 60]))
    def time_passes(self, minutes: int) -> None:
        self.desk.now += timedelta(minutes=minutes)

    @invariant()
    def holds_are_as_expected(self) -> None:
        kept = {each.id: (each.amount, each.status, each.order_id) for each in self.desk.payments.all()}
        assert kept == {id: (hold.amount, hold.status, hold.order_id) for id, hold in self.holds.items()}

    def covers(self, hold: Hold, order_id: str, customer_id: str, amount: int) -> bool:
        lives = hold.status == "confirmed" or (hold.status == "authorized" and self.desk.now < hold.expires_at)
        fits = hold.customer_id == customer_id and amount <= hold.amount
        return lives and fits and hold.order_id in ("", order_id)


class InvoicesModel(RuleBasedStateMachine):
    """Invoices as plain records: what orders say in the order they say it, and what people pay, at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.bills: dict[str, Bill] = {}
        self.ended: set[str] = set()

    @initialize(total=integers(0, 1000), is_paid=booleans())
    def first_order_is_approved(self, total: int, is_paid: bool) -> None:
        self.order_is_approved("o0", total)
        if is_paid:
            self.customer_pays("o0")

    @rule(order_id=INVOICED, total=integers(0, 1000))
    def order_is_approved(self, order_id: str, total: int) -> None:
        if order_id not in self.bills and order_id not in self.ended:
            self.desk.hears(approved(total, order_id))
            self.bills[order_id] = Bill(total)

    @rule(order_id=INVOICED, less=integers(0, 300))
    def order_is_adjusted(self, order_id: str, less: int) -> None:
        bill = self.bills.get(order_id)
        total = max(0, bill.amount - less) if bill else 700
        if order_id in self.ended:
            return
        self.desk.hears(adjusted(total, order_id))
        if bill and bill.status in ("issued", "paid"):
            bill.amount = total
            bill.refunded = max(bill.refunded, bill.paid - total)

    @rule(order_id=INVOICED)
    def order_is_cancelled(self, order_id: str) -> None:
        if order_id in self.ended:
            return
        self.desk.hears(cancelled(order_id))
        self.ended.add(order_id)
        bill = self.bills.get(order_id)
        if bill and bill.status in ("issued", "paid"):
            bill.status, bill.refunded = ("refunded" if bill.status == "paid" else "cancelled"), bill.paid

    @rule(order_id=INVOICED)
    def customer_pays(self, order_id: str) -> None:
        bill = self.bills.get(order_id)
        with refused_unless(bill is not None and bill.status == "issued"):
            self.desk.takes_money(order_id)
            assert bill
            bill.status, bill.paid = "paid", bill.amount

    @rule(order_id=INVOICED)
    def staff_refunds(self, order_id: str) -> None:
        bill = self.bills.get(order_id)
        with refused_unless(bill is not None and bill.status == "paid"):
            self.desk.gives_back(order_id)
            assert bill
            bill.status, bill.refunded = "refunded", bill.paid

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


def refused_unless(allowed: bool) -> AbstractContextManager[object]:
    return nullcontext() if allowed else pytest.raises((RuleViolated, NotFound))


TestHoldsModel = HoldsModel.TestCase
TestInvoicesModel = InvoicesModel.TestCase
TestHoldsModel.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestInvoicesModel.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
