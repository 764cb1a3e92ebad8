from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import integers, sampled_from

from contexts.stores.application.decrease_product_price import DecreaseProductPrice, decrease_product_price
from contexts.stores.application.disable_participation import DisableParticipation, disable_participation
from contexts.stores.application.increase_product_price import IncreaseProductPrice, increase_product_price
from contexts.stores.application.published_events import published_events
from contexts.stores.application.rebrand_product import RebrandProduct, rebrand_product
from contexts.stores.application.remove_product import RemoveProduct, remove_product
from contexts.stores.contract import ProductAdded, ProductPriceChanged, ProductRebranded, ProductRemoved
from contexts.stores.domain import Product, Store
from mallbots_platform.errors import NotFound, RuleViolated
from mallbots_platform.testing import MemoryRepository
from tests.contexts.stores.shop import Shop

T = TypeVar("T", bound=Store | Product)
STORES = sampled_from(["s1", "s2"])
NUMBERS = integers(1, 6)
SKUS = sampled_from(["C-1", "C-2"])
PRICES = integers(1, 1000)


@dataclass
class Shelf:
    """A product, as it should be."""

    store_id: str
    sku: str
    name: str
    price: int
    version: int = 1
    on_sale: bool = True


@dataclass(frozen=True)
class Copy:
    """What another context remembers of a product."""

    version: int
    name: str
    price: int


class Told(MemoryRepository[T]):
    """Notes what the other contexts are told, with the version that each event leads to."""

    def __init__(self, kind: str, told: list[object]) -> None:
        super().__init__(kind)
        self.told = told

    def _keep(self, thing: T) -> None:
        before = thing.version
        for number, event in enumerate(thing.recorded, start=1):
            thing.version = before + number
            self.told.extend(published_events(thing, event))
        thing.version = before
        super()._keep(thing)


class MallModel(RuleBasedStateMachine):
    """Two stores and what they sell, and a listener who hears it late, twice, and asks in between."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self.shop = Shop()
        self.shop.stores, self.shop.products = Told("store", self.told), Told("product", self.told)
        self.open: dict[str, bool] = {}
        self.shelves: dict[str, Shelf] = {}
        self.was: dict[tuple[str, int], Copy] = {}
        self.copies: dict[str, Copy] = {}
        self.heard = 0

    @initialize()
    def stores_open(self) -> None:
        for store_id in ("s1", "s2"):
            self.shop.opens(store_id)
            self.shop.takes_part(store_id)
            self.open[store_id] = True

    @precondition(lambda self: len(self.shelves) > 2)
    @rule(store_id=STORES)
    def store_closes(self, store_id: str) -> None:
        with self.refused_unless(self.open[store_id]):
            self.shop.closes(store_id)
            self.open[store_id] = False

    @precondition(lambda self: len(self.shelves) > 1)
    @rule(store_id=STORES)
    def store_takes_part_or_not(self, store_id: str) -> None:
        with self.refused_unless(self.open[store_id]):
            if self.shop.mall.store(store_id).participating:
                disable_participation(DisableParticipation(store_id=store_id), self.shop.stores, self.shop.mall)
            else:
                self.shop.takes_part(store_id)

    @precondition(lambda self: len(self.shelves) < 6)
    @rule(store_id=STORES, sku=SKUS)
    def product_is_added(self, store_id: str, sku: str) -> None:
        product_id = f"p{len(self.shelves) + 1}"
        with self.refused_unless(self.open[store_id] and not self.is_taken(store_id, sku)):
            self.shop.adds(product_id, store_id, sku)
            self.shelves[product_id] = Shelf(store_id, sku, "Clay", 500)
            self.was[product_id, 1] = Copy(1, "Clay", 500)

    @rule(number=NUMBERS, price=PRICES)
    def price_rises(self, number: int, price: int) -> None:
        command = IncreaseProductPrice(product_id=f"p{number}", price=price)
        with self.refused_unless_on_sale(number, lambda shelf: price > shelf.price):
            increase_product_price(command, self.shop.stores, self.shop.products, self.shop.catalogue)
            self.change(number, price=price)

    @rule(number=NUMBERS, price=PRICES)
    def price_falls(self, number: int, price: int) -> None:
        command = DecreaseProductPrice(product_id=f"p{number}", price=price)
        with self.refused_unless_on_sale(number, lambda shelf: price < shelf.price):
            decrease_product_price(command, self.shop.stores, self.shop.products, self.shop.catalogue)
            self.change(number, price=price)

    @rule(number=NUMBERS, name=sampled_from(["Clay", "Fine Clay"]))
    def product_is_rebranded(self, number: int, name: str) -> None:
        command = RebrandProduct(product_id=f"p{number}", name=name, description="")
        with self.refused_unless_on_sale(number):
            rebrand_product(command, self.shop.stores, self.shop.products, self.shop.catalogue)
            self.change(number, name=name)

    @rule(number=NUMBERS)
    def product_is_removed(self, number: int) -> None:
        command = RemoveProduct(product_id=f"p{number}")
        with self.refused_unless_on_sale(number):
            remove_product(command, self.shop.stores, self.shop.products, self.shop.skus, self.shop.catalogue)
            self.change(number, on_sale=False)

    @rule(back=integers(0, 8), on=integers(0, 12))
    def listener_hears(self, back: int, on: int) -> None:
        """What comes next, and what it has heard before once more."""
        start, end = max(0, self.heard - back), min(len(self.told), self.heard + on)
        for event in self.told[start:end]:
            self.hear(event)
        self.heard = end

    @rule(number=NUMBERS)
    def listener_asks(self, number: int) -> None:
        shelf = self.shelves.get(f"p{number}")
        with self.refused_unless(shelf is not None and shelf.on_sale):
            shown = self.shop.catalogue.product(f"p{number}")
            self.keep(f"p{number}", Copy(shown.version, shown.name, shown.price))

    @invariant()
    def the_catalogue_shows_what_is_on_sale(self) -> None:
        shown = {
            each.product_id: Shelf(each.store_id, each.sku, each.name, each.price, each.version)
            for each in self.shop.catalogue.shown.values()
        }
        assert shown == {id: shelf for id, shelf in self.shelves.items() if shelf.on_sale}

    @invariant()
    def a_sku_is_one_product_in_its_store(self) -> None:
        on_sale = {(shelf.store_id, shelf.sku): id for id, shelf in self.shelves.items() if shelf.on_sale}
        assert self.shop.skus.claimed == on_sale

    @invariant()
    def the_mall_shows_what_is_open(self) -> None:
        assert {id: self.shop.mall.store(id).open for id in self.open} == self.open

    @invariant()
    def a_copy_was_true_at_its_version(self) -> None:
        assert all(self.was[product_id, copy.version] == copy for product_id, copy in self.copies.items())

    def teardown(self) -> None:
        """Whoever has heard all of it knows all of it."""
        for event in self.told[self.heard :]:
            self.hear(event)
        known = {id: (copy.name, copy.price) for id, copy in self.copies.items()}
        assert known == {id: (shelf.name, shelf.price) for id, shelf in self.shelves.items()}

    def hear(self, event: object) -> None:
        match event:
            case ProductAdded():
                self.keep(event.product_id, Copy(event.version, event.name, event.price))
            case ProductRebranded() if known := self.copies.get(event.product_id):
                self.keep(event.product_id, replace(known, version=event.version, name=event.name))
            case ProductPriceChanged() if known := self.copies.get(event.product_id):
                self.keep(event.product_id, replace(known, version=event.version, price=event.price))
            case ProductRemoved() if known := self.copies.get(event.product_id):
                self.keep(event.product_id, replace(known, version=event.version))

    def keep(self, product_id: str, copy: Copy) -> None:
        known = self.copies.get(product_id)
        if known is None or copy.version > known.version:
            self.copies[product_id] = copy

    def refused_unless_on_sale(
        self, number: int, allowed: Callable[[Shelf], bool] = lambda shelf: True
    ) -> AbstractContextManager[object]:
        shelf = self.shelves.get(f"p{number}")
        return self.refused_unless(shelf is not None and shelf.on_sale and self.open[shelf.store_id] and allowed(shelf))

    def change(self, number: int, **changes: Any) -> None:
        product_id = f"p{number}"
        before = self.shelves[product_id]
        after = self.shelves[product_id] = replace(before, version=before.version + 1, **changes)
        self.was[product_id, after.version] = Copy(after.version, after.name, after.price)

    def is_taken(self, store_id: str, sku: str) -> bool:
        return any(shelf.on_sale and (shelf.store_id, shelf.sku) == (store_id, sku) for shelf in self.shelves.values())

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed else pytest.raises((RuleViolated, NotFound))


TestMallModel = MallModel.TestCase
TestMallModel.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
