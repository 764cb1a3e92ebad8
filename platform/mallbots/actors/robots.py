"""A shopping robot: asks for a list, visits the stores on it, brings back what it found."""

import asyncio
import contextlib
import random

from contexts.depot.contract import depot_pb2 as pb
from mallbots.actors.mall import Mall
from mallbots.actors.shelves import Shelves
from mallbots_platform.errors import NotFound, RuleViolated

IDLE_SECONDS = 0.05
TRAVEL_SECONDS = 0.003


class Robot:
    """`silence_seconds`: how long it says nothing once it stalls; longer than its lease."""

    def __init__(self, name: str, mall: Mall, shelves: Shelves, dice: random.Random, silence_seconds: float) -> None:
        self.name = name
        self._mall = mall
        self._depot = mall.depot
        self._shelves = shelves
        self._dice = dice
        self._silence_seconds = silence_seconds
        self._bot_id = ""

    async def work(self) -> None:
        """Until cancelled."""
        registered = await self._mall.change(self._depot.RegisterBot, pb.RegisterBotRequest(name=self.name))
        self._bot_id = registered.bot_id
        await self._go_online()
        while True:
            shopping_list = await self._ask_for_list()
            if shopping_list is None:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            with contextlib.suppress(RuleViolated, NotFound):  # cancelled, or another robot has it now
                await self._shop(shopping_list)

    async def leave(self) -> None:
        """The day is over."""
        if self._bot_id:
            with contextlib.suppress(RuleViolated):
                await self._mall.change(self._depot.BotOffline, pb.BotOfflineRequest(bot_id=self._bot_id))

    async def _go_online(self) -> None:
        with contextlib.suppress(RuleViolated):
            await self._mall.change(self._depot.BotOnline, pb.BotOnlineRequest(bot_id=self._bot_id))

    async def _ask_for_list(self) -> pb.ShoppingList | None:
        request = pb.AssignShoppingListRequest(bot_id=self._bot_id)
        try:
            answer = await self._mall.change(self._depot.AssignShoppingList, request)
        except RuleViolated:  # it was taken for broken down
            await self._go_online()
            return None
        return answer.shopping_list if answer.HasField("shopping_list") else None

    async def _shop(self, shopping_list: pb.ShoppingList) -> None:
        about = {"bot_id": self._bot_id, "shopping_list_id": shopping_list.shopping_list_id}
        if shopping_list.status == pb.SHOPPING_LIST_STATUS_ASSIGNED:
            started = await self._mall.change(self._depot.StartShopping, pb.StartShoppingRequest(**about))
            shopping_list = started.shopping_list
        for stop in shopping_list.stops:
            open_items = [item for item in stop.items if _left(item)]
            if open_items:
                await self._visit(shopping_list, stop, open_items, about)
        await self._until_let_through(shopping_list)
        await self._travel()
        await self._mall.change(self._depot.ReturnToDepot, pb.ReturnToDepotRequest(**about))

    async def _visit(
        self, shopping_list: pb.ShoppingList, stop: pb.Stop, items: list[pb.Item], about: dict[str, str]
    ) -> None:
        await self._travel()
        await self._mall.change(self._depot.ArriveAtStore, pb.ArriveAtStoreRequest(**about, store_id=stop.store_id))
        for item in items:
            await self._travel()
            await self._pick(shopping_list.order_id, item, about)
            if self._shelves.falls_silent(shopping_list.order_id):
                await asyncio.sleep(self._silence_seconds)

    async def _pick(self, order_id: str, item: pb.Item, about: dict[str, str]) -> None:
        missing = min(_left(item), max(0, self._shelves.missing(order_id, item.product_id) - item.missing))
        found = _left(item) - missing
        if found:
            request = pb.CollectItemRequest(**about, product_id=item.product_id, quantity=found)
            await self._mall.change(self._depot.CollectItem, request)
        if missing:
            report = pb.ReportMissingItemRequest(**about, product_id=item.product_id, quantity=missing)
            await self._mall.change(self._depot.ReportMissingItem, report)

    async def _until_let_through(self, shopping_list: pb.ShoppingList) -> None:
        """Held up, it still says that it is alive."""
        while self._shelves.is_held_up(shopping_list.order_id):
            await asyncio.sleep(IDLE_SECONDS)
            held = await self._ask_for_list()
            if held is None or held.shopping_list_id != shopping_list.shopping_list_id:
                return

    async def _travel(self) -> None:
        await asyncio.sleep(self._dice.uniform(0.5, 1.5) * TRAVEL_SECONDS)


def _left(item: pb.Item) -> int:
    return item.quantity - item.collected - item.missing
