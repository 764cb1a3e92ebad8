"""One customer's way through the mall, step by step. What it takes is counted from when the visit should have begun."""

import random
import time

from google.protobuf.message import Message

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from contexts.stores.contract import stores_pb2
from loadtests.record import APPROVED, CHECKOUT, PLACED, READY, START, Placed, Sample
from loadtests.swarm.goods import Product
from loadtests.swarm.here import Here
from loadtests.swarm.mall import Call, CallFailed, NotThere

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
PATIENCE_SECONDS = 110.0
TOO_MUCH = 1_000_000
FINAL = frozenset({"collected", "rejected", "cancelled"})
MILESTONES = {
    APPROVED: frozenset({"approved", "ready", "paid", "completed", "collected"}),
    READY: frozenset({"ready", "completed", "collected"}),
}


class Surprised(Exception):
    """The mall did something else than this customer meant."""


class Visit:
    """`due` is on the clock of `time.perf_counter`."""

    def __init__(self, here: Here, journey: str, due: float, dice: random.Random) -> None:
        self.journey = journey
        self.order_id = ""
        self._here = here
        self._mall = here.mall
        self._dice = dice
        self._due = due
        self._late_by = max(0.0, time.perf_counter() - due)
        self._customer_id = ""
        self._is_buying = False
        self._chosen: list[tuple[Product, int]] = []
        self._basket = baskets_pb2.Basket()
        self._placed = 0.0
        self._accepted = False
        self._reached: set[str] = set()
        self._measured(START, due)

    def registers(self) -> None:
        self._is_buying = True
        number = self._dice.randrange(10_000)
        request = customers_pb2.RegisterCustomerRequest(
            name=f"Customer {number}", sms_number=f"+49 30 {5550000 + number}"
        )
        self._customer_id = self._mall.change(self._mall.customers.RegisterCustomer, request).customer_id

    def looks_around(self) -> None:
        """As the kiosk's first pages do."""
        self._mall.look(
            self._mall.stores.ListParticipatingStores, stores_pb2.ListParticipatingStoresRequest(page_size=20)
        )
        for product in self._here.goods.choose(self._dice, 2):
            catalogue = stores_pb2.GetCatalogueRequest(store_id=product.store_id)
            self._mall.look(self._mall.stores.GetCatalogue, catalogue)

    def fills_a_basket(self, least: int = 1) -> None:
        start = baskets_pb2.StartBasketRequest(customer_id=self._customer_id)
        self.order_id = self._mall.change(self._mall.baskets.StartBasket, start).basket_id
        for product in self._here.goods.choose(self._dice, self._dice.randint(least, 3)):
            self._adds(product, self._dice.randint(1, 3))

    def wants_too_much(self) -> None:
        """More than any payment is good for."""
        product, _ = self._chosen[0]
        self._adds(product, TOO_MUCH // self._basket.items[0].price + 1)

    def will_miss(self, *, everything: bool) -> None:
        """The shelves are empty where this order's robot comes: all of them, or one."""
        for product, quantity in self._chosen if everything else self._chosen[:1]:
            self._here.shelves.run_out(self.order_id, product.product_id, quantity)

    def checks_out(self) -> None:
        authorize = payments_pb2.AuthorizePaymentRequest(
            customer_id=self._customer_id, amount=self._basket.total, currency=self._basket.currency
        )
        held = self._mall.change(self._mall.payments.AuthorizePayment, authorize, about=self.order_id).payment
        request = baskets_pb2.CheckoutBasketRequest(basket_id=self.order_id, payment_id=held.payment_id)
        self._placed = time.perf_counter() - self._late_by
        try:
            self._mall.change(self._mall.baskets.CheckoutBasket, request, about=self.order_id)
        except CallFailed:
            self._measured(CHECKOUT, self._placed, came=False)
            raise
        self._accepted = True
        self._measured(CHECKOUT, self._placed)
        self._measured(PLACED, self._due)
        self._here.recorder.say(Placed(self.order_id, time.time(), self.journey, held.payment_id))

    def gives_up(self) -> None:
        """Who came to buy, and could not."""
        if self._is_buying and not self._accepted:
            self._measured(PLACED, self._due, came=False)

    def pays(self) -> None:
        """The invoice comes a moment after the approval."""
        self._as_soon_as_there(self._mall.payments.PayInvoice, payments_pb2.PayInvoiceRequest(order_id=self.order_id))

    def cancels(self) -> None:
        request = ordering_pb2.CancelOrderRequest(order_id=self.order_id, reason="changed my mind")
        self._as_soon_as_there(self._mall.ordering.CancelOrder, request)

    def until(self, *states: str) -> None:
        """Wait for one of these states. Raises Surprised when it ends as another, or takes too long."""
        try:
            self._wait(states)
        except (Surprised, CallFailed):
            self._miss(states)
            raise

    def _wait(self, states: tuple[str, ...]) -> None:
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, SHORTEST_PAUSE
        while (state := self._state()) not in states:
            if state in FINAL or time.monotonic() > deadline:
                raise Surprised(f"order {self.order_id} is {state}, not {' or '.join(states)}")
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.4)

    def _adds(self, product: Product, quantity: int) -> None:
        request = baskets_pb2.AddItemRequest(basket_id=self.order_id, product_id=product.product_id, quantity=quantity)
        self._basket = self._mall.change(self._mall.baskets.AddItem, request, about=self.order_id).basket
        self._chosen.append((product, quantity))

    def _as_soon_as_there(self, call: Call, request: Message) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._mall.change(call, request, about=self.order_id)
                return
            except NotThere:
                if time.monotonic() > deadline:
                    raise
            time.sleep(2 * SHORTEST_PAUSE)

    def _state(self) -> str:
        request = ordering_pb2.GetOrderRequest(order_id=self.order_id)
        try:
            order = self._mall.look(self._mall.ordering.GetOrder, request).order
        except NotThere:
            return "not there yet"
        state = ordering_pb2.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_").lower()
        for milestone, states in MILESTONES.items():
            if state in states and milestone not in self._reached:
                self._reached.add(milestone)
                self._measured(milestone, self._placed)
        return state

    def _miss(self, awaited: tuple[str, ...]) -> None:
        """What all awaited states come after, has not come about."""
        for milestone, states in MILESTONES.items():
            if states.issuperset(awaited) and milestone not in self._reached:
                self._measured(milestone, self._placed, came=False)

    def _measured(self, series: str, since: float, *, came: bool = True) -> None:
        seconds = time.perf_counter() - since
        self._here.recorder.sampled(Sample(series, time.time() - seconds, seconds if came else None))
