import random
import time
from typing import Any, cast

import grpc
from google.protobuf.message import Message
from pytest import MonkeyPatch, approx, fixture, mark, raises

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from loadtests.instructions import Instructions
from loadtests.record import APPROVED, CHECKOUT, PLACED, READY, START, Line, Placed, Sample
from loadtests.swarm.goods import Goods, Product
from loadtests.swarm.here import Here
from loadtests.swarm.journeys import WEIGHTS, Journey, name_of
from loadtests.swarm.mall import CallFailed, Mall, NotThere
from loadtests.swarm.recorder import Recorder
from loadtests.swarm.visit import Surprised, Visit


class FakeMall:
    """Answers from a script: the states of the order one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.stores = self.customers = self.baskets = self.ordering = self.payments = self.depot = self
        self.states: list[str] = ["approved", "ready", "collected"]
        self.failing: set[str] = set()
        self.done: list[str] = []

    def __getattr__(self, method: str) -> str:
        return method

    def change(self, call: str, request: Message, about: str = "") -> Any:
        self.done.append(call)
        if call in self.failing:
            raise CallFailed(call, grpc.StatusCode.UNAVAILABLE, "away")
        return self._answer(call)

    def look(self, call: str, request: Message) -> Any:
        if call != "GetOrder":
            return None
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state == "unknown":
            raise NotThere(call, grpc.StatusCode.NOT_FOUND, "no order")
        status = ordering_pb2.OrderStatus.Value(f"ORDER_STATUS_{state.upper()}")
        return ordering_pb2.GetOrderResponse(order=ordering_pb2.Order(status=status))

    def _answer(self, call: str) -> Any:
        basket = baskets_pb2.Basket(total=700, currency="EUR", items=[baskets_pb2.Item(price=100)])
        answers: dict[str, Message] = {
            "RegisterCustomer": customers_pb2.RegisterCustomerResponse(customer_id="customer-1"),
            "StartBasket": baskets_pb2.StartBasketResponse(basket_id="order-1"),
            "AddItem": baskets_pb2.AddItemResponse(basket=basket),
            "AuthorizePayment": payments_pb2.AuthorizePaymentResponse(payment=payments_pb2.Payment(payment_id="p-1")),
        }
        return answers.get(call)


class FakeRecorder:
    def __init__(self) -> None:
        self.lines: list[Line] = []

    def say(self, line: Line) -> None:
        self.lines.append(line)

    sampled = say

    def series(self) -> dict[str, float | None]:
        return {line.series: line.seconds for line in self.lines if isinstance(line, Sample)}


class Stage:
    """Everything a visit needs, with nobody behind it. `goes` plays one to its end, as Locust's customers do."""

    def __init__(self, monkeypatch: MonkeyPatch) -> None:
        self.mall, self.recorder = FakeMall(), FakeRecorder()
        told = Instructions(addresses={}, shape="steady", seconds=60, rate=2, users=60, seed=1)
        goods = Goods([Product(f"product-{number}", "store-1") for number in range(9)])
        mall, recorder = cast(Mall, self.mall), cast(Recorder, self.recorder)
        self.here = Here(told, mall, goods, recorder)
        monkeypatch.setattr("loadtests.swarm.visit.SHORTEST_PAUSE", 0.001)

    def visit(self, late_by: float = 0.0) -> Visit:
        return Visit(self.here, "a journey", time.perf_counter() - late_by, random.Random(1))

    def goes(self, journey: Journey, *states: str) -> str:
        self.mall.states = list(states)
        visit = self.visit()
        ends_as = journey(visit)
        if ends_as:
            visit.until(ends_as)
        return ends_as

    @property
    def took(self) -> dict[str, float | None]:
        return self.recorder.series()


@fixture
def stage(monkeypatch: MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


@mark.parametrize("journey", WEIGHTS, ids=name_of)
def test_every_journey_comes_to_its_end(stage: Stage, journey: Journey) -> None:
    ends = {"gets_nothing": "cancelled", "cannot_pay": "rejected", "cancels_at_once": "cancelled"}
    ends |= {"cancels_when_approved": "cancelled", "cancels_when_ready": "cancelled"}
    end = ends.get(journey.__name__, "collected")

    ended = stage.goes(journey, "unknown", "pending", "approved", "ready", end)

    assert ended in (end, "")
    assert ("CheckoutBasket" in stage.mall.done) == bool(ended)


def test_who_comes_late_has_waited_all_the_time(stage: Stage) -> None:
    visit = stage.visit(late_by=5.0)

    visit.registers()
    visit.fills_a_basket()
    visit.checks_out()
    visit.until("collected")

    assert set(stage.took) == {START, PLACED, CHECKOUT, APPROVED, READY}
    assert all(took == approx(5.0, abs=2.0) for took in stage.took.values())


def test_a_sample_stands_where_it_should_have_begun(stage: Stage) -> None:
    stage.visit(late_by=5.0)

    (sample,) = stage.recorder.lines

    assert isinstance(sample, Sample)
    assert sample.at == approx(time.time() - 5.0, abs=2.0)


def test_an_order_is_told_once_it_is_accepted(stage: Stage) -> None:
    visit = stage.visit()
    visit.registers()
    visit.fills_a_basket()

    visit.checks_out()

    (placed,) = [line for line in stage.recorder.lines if isinstance(line, Placed)]
    assert (placed.order_id, placed.payment_id) == ("order-1", "p-1")


def test_a_checkout_without_an_answer_never_came(stage: Stage) -> None:
    stage.mall.failing = {"CheckoutBasket"}
    visit = stage.visit()
    visit.registers()
    visit.fills_a_basket()

    with raises(CallFailed):
        visit.checks_out()
    visit.gives_up()

    assert (stage.took[CHECKOUT], stage.took[PLACED]) == (None, None)
    assert not any(isinstance(line, Placed) for line in stage.recorder.lines)


def test_who_cannot_even_register_never_placed(stage: Stage) -> None:
    stage.mall.failing = {"RegisterCustomer"}
    visit = stage.visit()

    with raises(CallFailed):
        visit.registers()
    visit.gives_up()

    assert stage.took[PLACED] is None


def test_who_only_looked_around_gives_nothing_up(stage: Stage) -> None:
    visit = stage.visit()
    visit.looks_around()

    visit.gives_up()

    assert set(stage.took) == {START}


def test_a_state_that_is_skipped_was_reached(stage: Stage) -> None:
    stage.goes(next(iter(WEIGHTS)), "pending", "approved", "completed", "collected")

    assert stage.took[READY] is not None


def test_an_order_that_ends_otherwise_is_a_surprise(stage: Stage) -> None:
    with raises(Surprised, match="order order-1 is rejected, not ready"):
        stage.goes(next(journey for journey in WEIGHTS if name_of(journey) == "pays when ready"), "pending", "rejected")

    assert (stage.took[APPROVED], stage.took[READY]) == (None, None)


def test_a_cancelled_order_misses_nothing(stage: Stage) -> None:
    stage.goes(next(journey for journey in WEIGHTS if name_of(journey) == "cancels at once"), "pending", "cancelled")

    assert {APPROVED, READY}.isdisjoint(stage.took)
