"""A basket, whatever is asked of it in whatever order, held against a dictionary."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import builds, integers, just, none, one_of, sampled_from

from contexts.baskets.domain import Basket, Product, Status, Store
from mallbots_platform.errors import RuleViolated
from mallbots_platform.validation import LARGEST_AMOUNT, LARGEST_QUANTITY

STORES = [
    Store(store_id="open", name="Open", version=1, participates=True),
    Store(store_id="shy", name="Shy", version=1),
    Store(store_id="closed", name="Closed", version=1, participates=True, is_open=False),
]
stores = one_of(just(STORES[0]), just(STORES[0]), sampled_from(STORES))
prices = one_of(integers(0, 5), integers(0, LARGEST_AMOUNT))
quantities = one_of(integers(1, 5), integers(1, LARGEST_QUANTITY))
product_ids = sampled_from(["clay", "wool", "assam"])
products = builds(
    Product,
    product_id=product_ids,
    store_id=just("open"),
    name=sampled_from(["A", "B"]),
    price=prices,
    currency=sampled_from(["EUR", "EUR", "EUR", "USD"]),
    version=just(1),
    is_removed=sampled_from([False, False, False, True]),
)


class BasketModel(RuleBasedStateMachine):
    """Refused or done as a dictionary of pieces and prices says, and kept by its events."""

    def __init__(self) -> None:
        super().__init__()
        self.basket = Basket.start("1", "ada")
        self.status, self.currency, self.payment_id = Status.OPEN, "", ""
        self.pieces: dict[str, tuple[int, int]] = {}
        self.changes = 1

    @rule(product=products, store=stores, quantity=quantities)
    def add(self, product: Product, store: Store, quantity: int) -> None:
        pieces = quantity + self.pieces.get(product.product_id, (0, 0))[0]
        after = self.pieces | {product.product_id: (pieces, product.price)}
        sold = not product.is_removed and store.is_open and store.participates
        fits = pieces <= LARGEST_QUANTITY and worth(after) <= LARGEST_AMOUNT
        with self.refused_unless(sold and fits and self.currency in ("", product.currency)):
            self.basket.add_item(product, store, quantity)
            self.pieces, self.currency = after, product.currency
            self.changes += 1

    @rule(product_id=product_ids, quantity=one_of(none(), quantities))
    def remove(self, product_id: str, quantity: int | None) -> None:
        held, price = self.pieces.get(product_id, (0, 0))
        with self.refused_unless(0 < held and (quantity or held) <= held):
            self.basket.remove_item(product_id, quantity)
            self.pieces[product_id] = (held - (quantity or held), price)
            self.pieces = {key: value for key, value in self.pieces.items() if value[0]}
            self.currency = self.currency if self.pieces else ""
            self.changes += 1

    @precondition(lambda self: self.changes > 3)
    @rule()
    def check_out(self) -> None:
        with self.refused_unless(bool(self.pieces)):
            self.basket.check_out("pay")
            self.payment_id = "pay"
            self.ends_as(Status.CHECKED_OUT)

    @precondition(lambda self: self.changes > 5)
    @rule()
    def cancel(self) -> None:
        with self.refused_unless(True):
            self.basket.cancel()
            self.ends_as(Status.CANCELLED)

    @precondition(lambda self: self.changes > 5)
    @rule()
    def abandon(self) -> None:
        with self.refused_unless(True):
            self.basket.abandon()
            self.ends_as(Status.ABANDONED)

    @invariant()
    def it_holds_what_was_put_in(self) -> None:
        assert {item.product_id: (item.quantity, item.price) for item in self.basket.items} == self.pieces
        assert (self.basket.total, self.basket.currency) == (worth(self.pieces), self.currency)

    @invariant()
    def its_state_is_as_expected(self) -> None:
        assert (self.basket.status, self.basket.payment_id) == (self.status, self.payment_id)

    @invariant()
    def every_change_is_recorded_once(self) -> None:
        assert len(self.basket.recorded) == self.changes

    @invariant()
    def its_events_lead_to_the_same_state(self) -> None:
        assert state_of(Basket.replay("1", self.basket.recorded)) == state_of(self.basket)

    def ends_as(self, status: Status) -> None:
        self.status = status
        self.changes += 1

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed and self.status is Status.OPEN else pytest.raises(RuleViolated)


def worth(pieces: dict[str, tuple[int, int]]) -> int:
    return sum(quantity * price for quantity, price in pieces.values())


def state_of(basket: Basket) -> dict[str, object]:
    return {field.name: getattr(basket, field.name) for field in fields(basket) if field.name != "version"}


TestBasketModel = BasketModel.TestCase
TestBasketModel.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
