"""A shopping robot: asks for a list, visits the stores on it, brings back what it found."""

import contextlib
import random
import time

from contexts.depot.contract import depot_pb2 as pb
from loadtests.swarm.here import Here
from loadtests.swarm.mall import CallFailed, Refused

IDLE_SECONDS = 0.25
TRAVEL_SECONDS = 0.02


class Robot:
    def __init__(self, here: Here, number: int) -> None:
        self._here = here
        self._mall = here.mall
        self._depot = here.mall.depot
        self._dice = random.Random(f"robot {number} {here.instructions.seed}")
        self._bot_id = self._mall.change(
            self._depot.RegisterBot, pb.RegisterBotRequest(name=f"Robot {number + 1}")
        ).bot_id
        self._go_online()

    def works(self) -> None:
        """One list, if there is one. What it cannot finish, it is given again."""
        with contextlib.suppress(CallFailed):  # cancelled, or another robot has it now, or the depot is away
            shopping_list = self._ask_for_list()
            if shopping_list is not None:
                self._shop(shopping_list)
                return
        time.sleep(IDLE_SECONDS)

    def leaves(self) -> None:
        with contextlib.suppress(CallFailed):
            self._mall.change(self._depot.BotOffline, pb.BotOfflineRequest(bot_id=self._bot_id))

    def _go_online(self) -> None:
        with contextlib.suppress(Refused):
            self._mall.change(self._depot.BotOnline, pb.BotOnlineRequest(bot_id=self._bot_id))

    def _ask_for_list(self) -> pb.ShoppingList | None:
        request = pb.AssignShoppingListRequest(bot_id=self._bot_id)
        try:
            answer = self._mall.change(self._depot.AssignShoppingList, request)
        except Refused:  # it was taken for broken down
            self._go_online()
            return None
        return answer.shopping_list if answer.HasField("shopping_list") else None

    def _shop(self, shopping_list: pb.ShoppingList) -> None:
        order, depot = shopping_list.order_id, self._depot
        about = {"bot_id": self._bot_id, "shopping_list_id": shopping_list.shopping_list_id}
        if shopping_list.status == pb.SHOPPING_LIST_STATUS_ASSIGNED:
            started = self._mall.change(depot.StartShopping, pb.StartShoppingRequest(**about), about=order)
            shopping_list = started.shopping_list
        for stop in shopping_list.stops:
            if not stop.done:
                self._travel()
                arrive = pb.ArriveAtStoreRequest(**about, store_id=stop.store_id)
                self._mall.change(depot.ArriveAtStore, arrive, about=order)
                for item in stop.items:
                    self._pick(order, item, about)
        self._travel()
        self._mall.change(depot.ReturnToDepot, pb.ReturnToDepotRequest(**about), about=order)

    def _pick(self, order_id: str, item: pb.Item, about: dict[str, str]) -> None:
        sold_out = self._here.shelves.missing(order_id, item.product_id) - item.missing
        missing = min(item.left, max(0, sold_out))
        if found := item.left - missing:
            collect = pb.CollectItemRequest(**about, product_id=item.product_id, quantity=found)
            self._mall.change(self._depot.CollectItem, collect, about=order_id)
        if missing:
            report = pb.ReportMissingItemRequest(**about, product_id=item.product_id, quantity=missing)
            self._mall.change(self._depot.ReportMissingItem, report, about=order_id)

    def _travel(self) -> None:
        time.sleep(self._dice.uniform(0.5, 1.5) * TRAVEL_SECONDS)
