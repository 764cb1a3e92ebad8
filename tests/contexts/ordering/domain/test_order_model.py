"""An order, whatever is asked of it in whatever order, held against five yes-or-no facts."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import booleans, dictionaries, integers, sampled_from

from contexts.ordering.domain import Item, Order, Status
from contexts.ordering.domain.events import OrderCompleted
from mallbots_platform.errors import RuleViolated

product_ids = sampled_from(["clay", "wool", "assam"])


class OrderModel(RuleBasedStateMachine):
    """Refused or done as facts about it say that know nothing of states, and kept by its events."""

    def __init__(self) -> None:
        super().__init__()
        self.approved = self.goods_are_there = self.paid = self.collected = False
        self.ended: Status | None = None
        self.pieces: dict[str, int] = {}

    @initialize(pieces=dictionaries(product_ids, integers(1, 4), min_size=1), may_end_early=booleans())
    def create(self, pieces: dict[str, int], may_end_early: bool) -> None:
        items = tuple(
            Item(product_id=product_id, store_id="s", name="N", store_name="S", quantity=quantity, price=100)
            for product_id, quantity in pieces.items()
        )
        self.order = Order.create("1", "ada", "pay", items=items, currency="EUR")
        self.pieces, self.may_end_early = dict(pieces), may_end_early

    @rule()
    def approve(self) -> None:
        with self.refused_unless(not self.approved):
            self.order.approve("list")
            self.approved = True

    @precondition(lambda self: self.may_end_early or self.is_completed)
    @rule()
    def reject(self) -> None:
        with self.refused_unless(not self.approved):
            self.order.reject("no")
            self.ended = Status.REJECTED

    @rule()
    def mark_ready(self) -> None:
        with self.refused_unless(not (self.approved and self.goods_are_there)):
            self.order.mark_ready()
            self.goods_are_there = True

    @rule()
    def mark_paid(self) -> None:
        with self.refused_unless(self.approved and not self.paid):
            self.order.mark_paid()
            self.paid = True

    @rule()
    def hand_over(self) -> None:
        with self.refused_unless(self.is_completed and not self.collected):
            self.order.hand_over()
            self.collected = True

    @precondition(lambda self: self.may_end_early or self.is_completed)
    @rule()
    def cancel(self) -> None:
        with self.refused_unless(not self.is_completed):
            self.order.cancel("no more")
            self.ended = Status.CANCELLED

    @rule(product_id=product_ids, quantity=integers(1, 5))
    def reduce(self, product_id: str, quantity: int) -> None:
        with self.refused_unless(not (self.approved and self.goods_are_there)):
            self.order.reduce(product_id, quantity)
            left = {id: held - quantity if id == product_id else held for id, held in self.pieces.items()}
            self.pieces = {id: held for id, held in left.items() if held > 0}
            self.ended = None if self.pieces else Status.CANCELLED

    @invariant()
    def its_status_follows_from_the_facts(self) -> None:
        assert self.order.status is (self.ended or self.expected)
        assert self.order.is_over == bool(self.ended)

    @invariant()
    def it_holds_what_could_be_had(self) -> None:
        assert {item.product_id: item.quantity for item in self.order.items} == self.pieces
        assert self.order.total == 100 * sum(self.pieces.values())

    @invariant()
    def it_is_completed_once_and_only_with_goods_and_money(self) -> None:
        completed = [event for event in self.order.recorded if isinstance(event, OrderCompleted)]
        assert len(completed) == int(self.is_completed)

    @invariant()
    def its_events_lead_to_the_same_state(self) -> None:
        assert state_of(Order.replay("1", self.order.recorded)) == state_of(self.order)

    @property
    def is_completed(self) -> bool:
        return self.approved and self.goods_are_there and self.paid

    @property
    def expected(self) -> Status:
        if self.is_completed:
            return Status.COLLECTED if self.collected else Status.COMPLETED
        if not self.approved:
            return Status.PENDING
        return Status.READY if self.goods_are_there else Status.PAID if self.paid else Status.APPROVED

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed and not self.ended else refused(self.order)


@contextmanager
def refused(order: Order) -> Iterator[None]:
    """By a rule; nothing is recorded, nothing is changed."""
    before = (order.recorded, state_of(order))
    with pytest.raises(RuleViolated):
        yield
    assert (order.recorded, state_of(order)) == before


def state_of(order: Order) -> dict[str, object]:
    return {field.name: getattr(order, field.name) for field in fields(order) if field.name != "version"}


TestOrderModel = OrderModel.TestCase
TestOrderModel.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
