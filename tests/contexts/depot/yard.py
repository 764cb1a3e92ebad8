"""The use cases of depot over ports in memory, in a teller's words."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from contexts.depot.application.arrive_at_store import ArriveAtStore, arrive_at_store
from contexts.depot.application.assign_shopping_list import AssignShoppingList, assign_shopping_list
from contexts.depot.application.bot_offline import BotOffline, bot_offline
from contexts.depot.application.bot_online import BotOnline, bot_online
from contexts.depot.application.cancel_shopping_list import cancel_shopping_list
from contexts.depot.application.check_shopping_list import CheckShoppingList, check_shopping_list
from contexts.depot.application.collect_item import CollectItem, collect_item
from contexts.depot.application.create_shopping_list import create_shopping_list
from contexts.depot.application.give_up_on_bot import GiveUpOnBot, give_up_on_bot
from contexts.depot.application.register_bot import RegisterBot, register_bot
from contexts.depot.application.report_missing_item import ReportMissingItem, report_missing_item
from contexts.depot.application.return_to_depot import ReturnToDepot, return_to_depot
from contexts.depot.application.schedule_shopping import schedule_shopping
from contexts.depot.application.start_shopping import StartShopping, start_shopping
from contexts.depot.contract import CancelShoppingList, CreateShoppingList, Item, ScheduleShopping
from contexts.depot.domain import ShoppingList
from tests.contexts.depot.memory import MemoryBots, MemoryLeases, MemoryProducts, MemoryShoppingLists, MemoryStores

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def wanted(product_id: str, store_id: str, quantity: int = 1) -> Item:
    return Item(
        product_id=product_id,
        store_id=store_id,
        name=f"product {product_id}",
        store_name=f"store {store_id}",
        quantity=quantity,
    )


GOODS = (wanted("p", "s", 2), wanted("q", "t", 1))


class Yard:
    """`told` is what the other contexts heard; the clock ticks a second with everything that a bot does."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.lists = MemoryShoppingLists(self.told)
        self.bots = MemoryBots(self.told)
        self.stores = MemoryStores()
        self.products = MemoryProducts()
        self.now = NOON
        self.leases = MemoryLeases(LEASE, lambda: self.now)
        self._lists_made = 0

    def new_list_id(self) -> str:
        self._lists_made += 1
        return f"l{self._lists_made}"

    def creates(self, order_id: str = "o", *items: Item) -> str:
        command = CreateShoppingList(order_id=order_id, items=items or GOODS)
        return create_shopping_list(command, self.lists, self.stores, self.new_list_id)["shopping_list_id"]

    def schedules(self, order_id: str = "o") -> None:
        schedule_shopping(ScheduleShopping(order_id=order_id), self.lists, self.bots)

    def cancels(self, order_id: str = "o") -> None:
        cancel_shopping_list(CancelShoppingList(order_id=order_id), self.lists, self.bots, self.tick)

    def registers(self, *bot_ids: str) -> None:
        for bot_id in bot_ids:
            register_bot(RegisterBot(bot_id=bot_id, name=f"robot {bot_id}"), self.bots)

    def online(self, *bot_ids: str) -> None:
        for bot_id in bot_ids:
            bot_online(BotOnline(bot_id=bot_id, now=self.tick()), self.lists, self.bots, self.leases)

    def offline(self, bot_id: str = "b") -> None:
        bot_offline(BotOffline(bot_id=bot_id), self.bots, self.leases)

    def asks(self, bot_id: str = "b") -> ShoppingList | None:
        return assign_shopping_list(AssignShoppingList(bot_id=bot_id), self.lists, self.bots, self.leases)

    def starts(self, bot_id: str = "b", list_id: str = "l1") -> ShoppingList:
        command = StartShopping(bot_id=bot_id, shopping_list_id=list_id)
        return start_shopping(command, self.lists, self.bots, self.leases)

    def arrives(self, store_id: str, bot_id: str = "b", list_id: str = "l1") -> ShoppingList:
        command = ArriveAtStore(bot_id=bot_id, shopping_list_id=list_id, store_id=store_id)
        return arrive_at_store(command, self.lists, self.bots, self.leases)

    def collects(self, product_id: str, quantity: int = 1, bot_id: str = "b", list_id: str = "l1") -> ShoppingList:
        command = CollectItem(bot_id=bot_id, shopping_list_id=list_id, product_id=product_id, quantity=quantity)
        return collect_item(command, self.lists, self.bots, self.leases)

    def misses(self, product_id: str, quantity: int = 1, bot_id: str = "b", list_id: str = "l1") -> ShoppingList:
        command = ReportMissingItem(bot_id=bot_id, shopping_list_id=list_id, product_id=product_id, quantity=quantity)
        return report_missing_item(command, self.lists, self.bots, self.leases)

    def returns(self, bot_id: str = "b", list_id: str = "l1") -> None:
        command = ReturnToDepot(bot_id=bot_id, shopping_list_id=list_id, now=self.tick())
        return_to_depot(command, self.lists, self.bots, self.leases)

    def checks(self, list_id: str = "l1") -> None:
        check_shopping_list(CheckShoppingList(shopping_list_id=list_id), self.lists)

    def falls_silent(self, bot_id: str = "b") -> None:
        self.leases.end(bot_id)
        give_up_on_bot(GiveUpOnBot(bot_id=bot_id), self.lists, self.bots)

    def passes(self, time: timedelta) -> None:
        """Until then, bots whose lease is over are given up, one after the other."""
        self.now += time
        for _, bot_id in sorted((end, bot_id) for bot_id, end in self.leases.ends.items() if end <= self.now):
            self.falls_silent(bot_id)

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def told_of(self, *kinds: type) -> list[object]:
        return [message for message in self.told if isinstance(message, kinds)]

    def bot_with(self, list_id: str) -> str:
        return self.lists.get(list_id).bot_id


def opened_yard(*orders: str, bots: Collection[str] = ("b",)) -> Yard:
    """Bots are online, in this order; then the lists of these orders, from the oldest, are to be shopped."""
    yard = Yard()
    yard.registers(*bots)
    yard.online(*bots)
    for order_id in orders:
        yard.creates(order_id)
        yard.schedules(order_id)
    return yard


def shopped_yard() -> Yard:
    """Bot `b` has collected all of list `l1`."""
    yard = opened_yard("o")
    yard.starts()
    yard.arrives("s")
    yard.collects("p", 2)
    yard.arrives("t")
    yard.collects("q")
    return yard


Deed = Callable[[Yard], object]
