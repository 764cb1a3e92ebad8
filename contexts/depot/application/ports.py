"""What the use cases need from outside, named for its role."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from contexts.depot.domain import Bot, BotStatus, ListStatus, Product, ShoppingList, Store


class ShoppingLists(Protocol):
    def get(self, id: str) -> ShoppingList:
        """Raises `NotFound`."""

    def of_order(self, order_id: str) -> ShoppingList | None: ...
    def oldest_available(self) -> ShoppingList | None: ...
    def add(self, thing: ShoppingList) -> None: ...
    def save(self, thing: ShoppingList) -> None: ...
    def page(
        self, after: str, limit: int, status: ListStatus | None = None, order_id: str = ""
    ) -> Sequence[ShoppingList]:
        """Oldest first, from behind `after`."""

    def counts(self) -> dict[ListStatus, int]:
        """Every status is listed."""


class Bots(Protocol):
    def get(self, id: str) -> Bot:
        """Raises `NotFound`."""

    def longest_idle(self) -> Bot | None: ...
    def add(self, thing: Bot) -> None: ...
    def save(self, thing: Bot) -> None: ...
    def page(self, after: str, limit: int) -> Sequence[Bot]:
        """By id, from behind `after`."""

    def counts(self) -> dict[BotStatus, int]:
        """Every status is listed."""


class Stores(Protocol):
    """Copies of stores; an older copy never replaces a newer one."""

    def find(self, store_id: str) -> Store | None: ...
    def among(self, store_ids: Collection[str]) -> Mapping[str, Store]:
        """Those of them that are known, by id."""

    def keep(self, store: Store) -> None: ...


class Products(Protocol):
    """Copies of products; an older copy never replaces a newer one."""

    def among(self, product_ids: Collection[str]) -> Mapping[str, Product]:
        """Those of them that are known, by id."""

    def keep(self, product: Product) -> None: ...


class BotLeases(Protocol):
    """How long a bot may stay silent."""

    def renew(self, bot_id: str) -> None: ...
    def end(self, bot_id: str) -> None: ...
