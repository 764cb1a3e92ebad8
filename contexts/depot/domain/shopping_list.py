"""A shopping list: pending, available, assigned, shopping, at the depot, completed; or cancelled."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Self

from contexts.depot.domain.errors import (
    BotIsNotThere,
    FewerPiecesWanted,
    ItemIsNotOnTheList,
    ShoppingIsNotDone,
    ShoppingListIsAnothers,
    ShoppingListIsCancelled,
    ShoppingListIsCompleted,
    ShoppingListIsNot,
    StoreIsNotOnTheList,
)
from mallbots_platform.aggregates import Entity
from mallbots_platform.messages import event, value


class ListStatus(StrEnum):
    PENDING = "pending"
    AVAILABLE = "available"
    ASSIGNED = "assigned"
    SHOPPING = "shopping"
    AT_DEPOT = "at depot"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@value
class Item:
    product_id: str
    name: str
    quantity: int
    collected: int = 0
    missing: int = 0

    @property
    def left(self) -> int:
        """Neither collected nor missing yet."""
        return self.quantity - self.collected - self.missing


@value
class Stop:
    store_id: str
    store_name: str
    items: tuple[Item, ...]

    @property
    def is_done(self) -> bool:
        return not any(item.left for item in self.items)


@event
class Created:
    pass


@event
class Scheduled:
    pass


@event
class Assigned:
    bot_id: str


@event
class Started:
    bot_id: str


@event
class Visited:
    bot_id: str
    store_id: str


@event
class Collected:
    product_id: str
    quantity: int


@event
class Missed:
    product_id: str
    quantity: int


@event
class Completed:
    pass


@event
class Cancelled:
    pass


class ShoppingList(Entity):
    """`store_id` is where its bot is. What was collected stays collected when another bot resumes."""

    order_id: str
    stops: tuple[Stop, ...]
    status: ListStatus = ListStatus.PENDING
    bot_id: str = ""
    store_id: str = ""

    @classmethod
    def create(cls, shopping_list_id: str, order_id: str, stops: tuple[Stop, ...]) -> Self:
        created = cls(id=shopping_list_id, correlation_id=order_id, order_id=order_id, stops=stops)
        created.record(Created())
        return created

    @property
    def key(self) -> str:
        return self.order_id

    def schedule(self) -> None:
        """Scheduling it again changes nothing."""
        self._must_not_be_cancelled()
        if self.status is ListStatus.PENDING:
            self.status = ListStatus.AVAILABLE
            self.record(Scheduled())

    def assign(self, bot_id: str) -> None:
        self._must_be(ListStatus.AVAILABLE)
        self.status, self.bot_id = ListStatus.ASSIGNED, bot_id
        self.record(Assigned(bot_id=bot_id))

    def start(self, bot_id: str) -> None:
        self._must_be_with(bot_id)
        self._must_be(ListStatus.ASSIGNED)
        self.status = ListStatus.SHOPPING
        self.record(Started(bot_id=bot_id))

    def arrive(self, bot_id: str, store_id: str) -> None:
        self._must_be_with(bot_id)
        self._must_be(ListStatus.SHOPPING)
        if all(stop.store_id != store_id for stop in self.stops):
            raise StoreIsNotOnTheList(store_id)
        self.store_id = store_id
        self.record(Visited(bot_id=bot_id, store_id=store_id))

    def collect(self, bot_id: str, product_id: str, quantity: int) -> None:
        self._settle(bot_id, product_id, quantity, lambda i: replace(i, collected=i.collected + quantity))
        self.record(Collected(product_id=product_id, quantity=quantity))

    def miss(self, bot_id: str, product_id: str, quantity: int) -> None:
        self._settle(bot_id, product_id, quantity, lambda i: replace(i, missing=i.missing + quantity))
        self.record(Missed(product_id=product_id, quantity=quantity))

    def bring_back(self, bot_id: str) -> None:
        self._must_be_with(bot_id)
        self._must_be(ListStatus.SHOPPING)
        for stop in self.stops:
            for item in stop.items:
                if item.left:
                    raise ShoppingIsNotDone(item.product_id)
        self.status, self.bot_id, self.store_id = ListStatus.AT_DEPOT, "", ""

    def check(self) -> None:
        self._must_be(ListStatus.AT_DEPOT)
        self.status = ListStatus.COMPLETED
        self.record(Completed())

    def lose_bot(self, bot_id: str) -> None:
        """Available again, with what was collected so far."""
        self._must_be_with(bot_id)
        self.status, self.bot_id, self.store_id = ListStatus.AVAILABLE, "", ""

    def cancel(self) -> str:
        """The bot that had it, if one had. Cancelling it again changes nothing."""
        if self.status is ListStatus.COMPLETED:
            raise ShoppingListIsCompleted(self.id)
        freed = self.bot_id
        if self.status is not ListStatus.CANCELLED:
            self.status, self.bot_id, self.store_id = ListStatus.CANCELLED, "", ""
            self.record(Cancelled())
        return freed

    def _settle(self, bot_id: str, product_id: str, quantity: int, settled: Callable[[Item], Item]) -> None:
        self._must_be_with(bot_id)
        self._must_be(ListStatus.SHOPPING)
        stop, item = self._find(product_id)
        if stop.store_id != self.store_id:
            raise BotIsNotThere(stop.store_id)
        if quantity > item.left:
            raise FewerPiecesWanted(product_id, item.left)
        items = tuple(settled(each) if each is item else each for each in stop.items)
        self.stops = tuple(replace(each, items=items) if each is stop else each for each in self.stops)

    def _find(self, product_id: str) -> tuple[Stop, Item]:
        for stop in self.stops:
            for item in stop.items:
                if item.product_id == product_id:
                    return stop, item
        raise ItemIsNotOnTheList(product_id)

    def _must_be_with(self, bot_id: str) -> None:
        self._must_not_be_cancelled()
        if self.bot_id != bot_id:
            raise ShoppingListIsAnothers(self.id)

    def _must_not_be_cancelled(self) -> None:
        if self.status is ListStatus.CANCELLED:
            raise ShoppingListIsCancelled(self.id)

    def _must_be(self, wanted: ListStatus) -> None:
        self._must_not_be_cancelled()
        if self.status is not wanted:
            raise ShoppingListIsNot(self.id, wanted.value, self.status.value)
