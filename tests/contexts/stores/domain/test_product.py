from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import integers, text

from contexts.stores.domain import PriceIsNotHigher, PriceIsNotLower, Product, ProductIsRemoved
from contexts.stores.domain.events import (
    ProductAdded,
    ProductPriceDecreased,
    ProductPriceIncreased,
    ProductRebranded,
    ProductRemoved,
)
from mallbots_platform.errors import RuleViolated
from mallbots_platform.testing import given

ADDED = ProductAdded(store_id="s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR")


def test_a_product_is_added_with_all_it_is() -> None:
    product = Product.add("1", "s", name="Clay", description="1 kg", sku="C-1", price=500, currency="EUR")

    assert product.recorded == (ADDED,)
    assert (product.store_id, product.sku, product.price, product.currency) == ("s", "C-1", 500, "EUR")


def test_a_product_takes_a_new_name_and_description() -> None:
    product = given(Product, ADDED)

    product.rebrand("Fine Clay", "")

    assert product.recorded == (ProductRebranded(name="Fine Clay", description=""),)
    assert (product.name, product.description) == ("Fine Clay", "")


def test_a_product_gets_dearer_and_cheaper() -> None:
    product = given(Product, ADDED)

    product.increase_price(600)
    product.decrease_price(400)

    assert product.recorded == (ProductPriceIncreased(price=600), ProductPriceDecreased(price=400))
    assert (product.price, product.currency) == (400, "EUR")


@pytest.mark.parametrize("price", [500, 499])
def test_an_increase_must_be_higher(price: int) -> None:
    product = given(Product, ADDED)

    with pytest.raises(PriceIsNotHigher, match=f"the price {price} is not higher than 500"):
        product.increase_price(price)


@pytest.mark.parametrize("price", [500, 501])
def test_a_decrease_must_be_lower(price: int) -> None:
    product = given(Product, ADDED)

    with pytest.raises(PriceIsNotLower, match=f"the price {price} is not lower than 500"):
        product.decrease_price(price)


def test_a_removed_product_accepts_nothing() -> None:
    product = given(Product, ADDED, ProductRemoved())

    changes: list[Callable[[], None]] = [
        lambda: product.rebrand("Fine Clay", ""),
        lambda: product.increase_price(600),
        lambda: product.decrease_price(400),
        product.remove,
    ]
    for change in changes:
        with pytest.raises(ProductIsRemoved, match="product 1 is removed"):
            change()
    assert product.recorded == ()


class ProductModel(RuleBasedStateMachine):
    """Whatever is asked in whatever order: refused or done as three plain variables say, and kept by its events."""

    def __init__(self) -> None:
        super().__init__()
        self.product = Product.add("1", "s", name="Clay", description="", sku="C-1", price=500, currency="EUR")
        self.name, self.price, self.is_removed = "Clay", 500, False

    @rule(name=text(min_size=1))
    def rebrand(self, name: str) -> None:
        with self.refused_unless(True):
            self.product.rebrand(name, "")
            self.name = name

    @rule(price=integers(1, 1000))
    def increase_price(self, price: int) -> None:
        with self.refused_unless(price > self.price):
            self.product.increase_price(price)
            self.price = price

    @rule(price=integers(1, 1000))
    def decrease_price(self, price: int) -> None:
        with self.refused_unless(price < self.price):
            self.product.decrease_price(price)
            self.price = price

    @precondition(lambda self: len(self.product.recorded) > 3)
    @rule()
    def remove(self) -> None:
        with self.refused_unless(True):
            self.product.remove()
            self.is_removed = True

    @invariant()
    def state_is_as_expected(self) -> None:
        assert _state(self.product) == ("s", "C-1", self.name, self.price, "EUR", self.is_removed)

    @invariant()
    def its_events_lead_to_the_same_state(self) -> None:
        assert _state(Product.replay("1", self.product.recorded)) == _state(self.product)

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed and not self.is_removed else pytest.raises(RuleViolated)


def _state(product: Product) -> tuple[str, str, str, int, str, bool]:
    return (product.store_id, product.sku, product.name, product.price, product.currency, product.is_removed)


TestProductModel = ProductModel.TestCase
TestProductModel.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
