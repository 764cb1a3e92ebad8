"""The ports of depot in memory, kept to the same suite as the ones in SQL."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

from contexts.depot.application.published_events import published_events
from contexts.depot.domain import Bot, BotStatus, ListStatus, Product, ShoppingList, Store
from mallbots_platform.errors import Conflict
from mallbots_platform.testing import MemoryRepository

T = TypeVar("T", bound=ShoppingList | Bot)


class Told(MemoryRepository[T]):
    """Notes what the other contexts are told when something is kept."""

    def __init__(self, kind: str, told: list[object] | None = None) -> None:
        super().__init__(kind)
        self.told = [] if told is None else told

    def _keep(self, thing: T) -> None:
        for event in thing.recorded:
            self.told.extend(published_events(thing, event))
        super()._keep(thing)

    def in_order(self) -> list[T]:
        return sorted(self.all(), key=lambda thing: thing.id)


class MemoryShoppingLists(Told[ShoppingList]):
    def __init__(self, told: list[object] | None = None) -> None:
        super().__init__("shopping list", told)

    def add(self, thing: ShoppingList) -> None:
        if thing.id not in self._kept and self.of_order(thing.order_id):
            raise Conflict(f"shopping list {thing.id} collides with another")
        super().add(thing)

    def of_order(self, order_id: str) -> ShoppingList | None:
        return next((each for each in self.all() if each.order_id == order_id), None)

    def oldest_available(self) -> ShoppingList | None:
        return next((each for each in self.in_order() if each.status is ListStatus.AVAILABLE), None)

    def page(self, after: str, limit: int, status: ListStatus | None = None, order_id: str = "") -> list[ShoppingList]:
        wanted = (each for each in self.in_order() if status in (None, each.status))
        return [each for each in wanted if each.id > after and order_id in ("", each.order_id)][:limit]

    def counts(self) -> dict[ListStatus, int]:
        counted = Counter(each.status for each in self.all())
        return {status: counted[status] for status in ListStatus}


class MemoryBots(Told[Bot]):
    def __init__(self, told: list[object] | None = None) -> None:
        super().__init__("bot", told)

    def longest_idle(self) -> Bot | None:
        idle = [(bot.idle_since, bot.id) for bot in self.all() if bot.idle_since and bot.status is BotStatus.IDLE]
        return self.get(min(idle)[1]) if idle else None

    def page(self, after: str, limit: int) -> list[Bot]:
        return [bot for bot in self.in_order() if bot.id > after][:limit]

    def counts(self) -> dict[BotStatus, int]:
        counted = Counter(bot.status for bot in self.all())
        return {status: counted[status] for status in BotStatus}


class MemoryStores:
    def __init__(self) -> None:
        self.kept: dict[str, Store] = {}

    def find(self, store_id: str) -> Store | None:
        return self.kept.get(store_id)

    def among(self, store_ids: Collection[str]) -> dict[str, Store]:
        return {store_id: store for store_id, store in self.kept.items() if store_id in store_ids}

    def keep(self, store: Store) -> None:
        known = self.kept.get(store.store_id)
        if known is None or known.version <= store.version:
            self.kept[store.store_id] = store


class MemoryProducts:
    def __init__(self) -> None:
        self.kept: dict[str, Product] = {}

    def among(self, product_ids: Collection[str]) -> dict[str, Product]:
        return {product_id: product for product_id, product in self.kept.items() if product_id in product_ids}

    def keep(self, product: Product) -> None:
        known = self.kept.get(product.product_id)
        if known is None or known.version <= product.version:
            self.kept[product.product_id] = product


class MemoryLeases:
    """`ends` says when each bot has been silent for too long."""

    def __init__(self, lasts: timedelta, now: Callable[[], datetime]) -> None:
        self.lasts = lasts
        self.now = now
        self.ends: dict[str, datetime] = {}

    def renew(self, bot_id: str) -> None:
        self.ends[bot_id] = self.now() + self.lasts

    def end(self, bot_id: str) -> None:
        self.ends.pop(bot_id, None)
