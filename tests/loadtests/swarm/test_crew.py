from typing import Any, cast

import grpc
from google.protobuf.message import Message
from pytest import MonkeyPatch, fixture

from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from loadtests.instructions import Instructions
from loadtests.swarm.clerk import Clerk
from loadtests.swarm.goods import Goods, Product
from loadtests.swarm.here import Here
from loadtests.swarm.mall import Refused
from loadtests.swarm.robot import Robot

ORDERS = [f"order-{number}" for number in range(50)]


class FakeDepot:
    """Has one list for a robot, and every order at the counter. Keeps what was changed, and for which order."""

    def __init__(self) -> None:
        self.stores = self.ordering = self.payments = self.depot = self
        self.changed: list[tuple[str, str, int]] = []
        self.offered: list[depot_pb2.ShoppingList] = []
        self.refuses: set[str] = set()

    def __getattr__(self, method: str) -> str:
        return method

    def change(self, call: str, request: Any, about: str = "") -> Any:
        self.changed.append((call, about, getattr(request, "quantity", 0)))
        if call in self.refuses:
            raise Refused(call, grpc.StatusCode.FAILED_PRECONDITION, "no")
        if call == "RegisterBot":
            return depot_pb2.RegisterBotResponse(bot_id="bot-1")
        if call == "AssignShoppingList":
            return depot_pb2.AssignShoppingListResponse(shopping_list=self.offered.pop() if self.offered else None)
        return depot_pb2.StartShoppingResponse(shopping_list=a_list(depot_pb2.SHOPPING_LIST_STATUS_SHOPPING))

    def look(self, call: str, request: Message) -> Any:
        lists = [depot_pb2.ShoppingList(shopping_list_id=f"list of {id}", order_id=id) for id in ORDERS]
        orders = [ordering_pb2.OrderSummary(order_id=id) for id in ORDERS]
        answers: dict[str, Message] = {
            "ListShoppingLists": depot_pb2.ListShoppingListsResponse(shopping_lists=lists),
            "ListOrders": ordering_pb2.ListOrdersResponse(orders=orders),
        }
        return answers[call]

    def calls(self, *names: str) -> list[tuple[str, str, int]]:
        return [change for change in self.changed if change[0] in names]


def a_list(status: "depot_pb2.ShoppingListStatus.ValueType") -> depot_pb2.ShoppingList:
    items = [
        depot_pb2.Item(product_id="apples", quantity=3, left=3),
        depot_pb2.Item(product_id="bread", quantity=2, left=2),
    ]
    done = depot_pb2.Stop(store_id="store-2", done=True, items=[depot_pb2.Item(product_id="tea", quantity=1)])
    stops = [depot_pb2.Stop(store_id="store-1", items=items), done]
    return depot_pb2.ShoppingList(shopping_list_id="list-1", order_id="order-1", status=status, stops=stops)


@fixture
def depot(monkeypatch: MonkeyPatch) -> FakeDepot:
    for pause in ("robot.IDLE_SECONDS", "robot.TRAVEL_SECONDS", "clerk.PAUSE_SECONDS"):
        monkeypatch.setattr(f"loadtests.swarm.{pause}", 0.0)
    return FakeDepot()


def a_place(depot: FakeDepot, rate: float = 2) -> Here:
    told = Instructions(addresses={}, shape="steady", seconds=60, rate=rate, users=60, seed=1)
    return Here(told, cast(Any, depot), Goods([Product("apples", "store-1")]), cast(Any, None))


def test_a_robot_brings_what_is_there(depot: FakeDepot) -> None:
    here = a_place(depot)
    here.shelves.run_out("order-1", "apples", 1)
    robot = Robot(here, 0)
    depot.offered = [a_list(depot_pb2.SHOPPING_LIST_STATUS_ASSIGNED)]

    robot.works()

    assert depot.changed[3:] == [
        ("StartShopping", "order-1", 0),
        ("ArriveAtStore", "order-1", 0),
        ("CollectItem", "order-1", 2),
        ("ReportMissingItem", "order-1", 1),
        ("CollectItem", "order-1", 2),
        ("ReturnToDepot", "order-1", 0),
    ]


def test_a_robot_goes_on_where_another_stopped(depot: FakeDepot) -> None:
    robot = Robot(a_place(depot), 0)
    depot.offered = [a_list(depot_pb2.SHOPPING_LIST_STATUS_SHOPPING)]

    robot.works()

    assert not depot.calls("StartShopping")
    assert depot.calls("ReturnToDepot")


def test_a_robot_lets_a_lost_list_go(depot: FakeDepot) -> None:
    robot = Robot(a_place(depot), 0)
    depot.offered, depot.refuses = [a_list(depot_pb2.SHOPPING_LIST_STATUS_ASSIGNED)], {"StartShopping"}

    robot.works()

    assert not depot.calls("CollectItem", "ReturnToDepot")


def test_a_robot_taken_for_broken_comes_back(depot: FakeDepot) -> None:
    robot = Robot(a_place(depot), 0)
    depot.refuses = {"AssignShoppingList"}

    robot.works()

    assert len(depot.calls("BotOnline")) == 2


def test_clerks_share_the_work(depot: FakeDepot) -> None:
    here = a_place(depot, rate=40)

    for place in range(here.instructions.clerks):
        Clerk(here, place).works()

    for call in ("CheckShoppingList", "HandOver"):
        served = [about for _, about, _ in depot.calls(call)]
        assert sorted(served) == sorted(ORDERS)
