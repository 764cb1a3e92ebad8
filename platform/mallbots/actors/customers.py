"""A kiosk customer: fills a basket, checks out, pays, and follows the order to its end, as its visit's plan says."""

import asyncio
import time
from typing import cast

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.ordering.contract import ordering_pb2 as ordering_pb
from contexts.payments.contract import payments_pb2
from mallbots.actors.mall import Lost, Mall
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.plan import Choice, Scenario, Visit
from mallbots_platform.errors import NotFound
from mallbots_platform.grpc_client import Refused

SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
PATIENCE_SECONDS = 60.0
TOO_MUCH = 1_000_000
ENDED = frozenset({"collected", "rejected", "cancelled"})


class Surprised(Exception):
    """The mall did something else than this customer's plan says."""


class Customer:
    def __init__(self, visit: Visit, mall: Mall, staff: Staff, shelves: Shelves) -> None:
        self.visit = visit
        self.order_id = ""
        self._mall = mall
        self._staff = staff
        self._shelves = shelves
        self._customer_id = ""
        self._total = 0

    @property
    def is_lost(self) -> bool:
        """Whether what a database has lost is part of this visit."""
        return not self._mall.lost.isdisjoint((self.order_id, self._customer_id))

    async def shop(self) -> str:
        """How it ended. Raises Surprised, and Lost."""
        await self._register()
        basket = await self._fill_basket()
        if self.visit.scenario is Scenario.FORGOTTEN:
            return await self._forget_basket()
        self._prepare_mishaps()
        await self._check_out(basket)
        await self._do_as_planned()
        return await self._until(*ENDED)

    async def _register(self) -> None:
        request = customers_pb2.RegisterCustomerRequest(name=self.visit.customer, sms_number=self.visit.sms_number)
        registered = await self._mall.change(self._mall.customers.RegisterCustomer, request)
        self._customer_id = registered.customer_id

    async def _fill_basket(self) -> baskets_pb2.Basket:
        baskets = self._mall.baskets
        start = baskets_pb2.StartBasketRequest(customer_id=self._customer_id)
        self.order_id = (await self._mall.change(baskets.StartBasket, start)).basket_id
        basket = baskets_pb2.Basket()
        for choice in self.visit.choices:
            basket = await self._add(choice, choice.quantity)
        if self.visit.scenario is Scenario.DECLINED:
            basket = await self._overdraw(basket)
        return basket

    async def _overdraw(self, basket: baskets_pb2.Basket) -> baskets_pb2.Basket:
        """More than any bank pays."""
        return await self._add(self.visit.choices[0], TOO_MUCH // basket.items[0].price + 1)

    async def _add(self, choice: Choice, quantity: int) -> baskets_pb2.Basket:
        """Who comes early waits until the news that the store takes part has got around."""
        product_id = self._staff.product_id(choice)
        request = baskets_pb2.AddItemRequest(basket_id=self.order_id, product_id=product_id, quantity=quantity)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                added = await self._mall.change(self._mall.baskets.AddItem, request, about=self.order_id)
                return cast(baskets_pb2.Basket, added.basket)
            except Refused as refusal:
                if refusal.code != "StoreDoesNotParticipate" or time.monotonic() > deadline:
                    raise
            await self._wait(SHORTEST_PAUSE)

    async def _forget_basket(self) -> str:
        async def ended() -> str:
            looked = await self._mall.look(
                self._mall.baskets.GetBasket, baskets_pb2.GetBasketRequest(basket_id=self.order_id)
            )
            name = baskets_pb2.BasketStatus.Name(looked.basket.status)
            return name.removeprefix("BASKET_STATUS_").lower()

        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := await ended()) == "open" and time.monotonic() < deadline:
            await self._wait(2 * LONGEST_PAUSE)
        return state

    def _prepare_mishaps(self) -> None:
        scenario, choices = self.visit.scenario, self.visit.choices
        if scenario in (Scenario.PAID_EARLY, Scenario.CANCELLED_APPROVED, Scenario.CANCELLED_PAID):
            self._shelves.hold_up(self.order_id)
        if scenario is Scenario.ROBOT_SILENT:
            self._shelves.silence(self.order_id)
        if scenario is Scenario.SOME_MISSING:
            self._shelves.run_out(self.order_id, self._staff.product_id(choices[0]), choices[0].quantity)
        if scenario is Scenario.ALL_MISSING:
            for choice in choices:
                self._shelves.run_out(self.order_id, self._staff.product_id(choice), choice.quantity)

    async def _check_out(self, basket: baskets_pb2.Basket) -> None:
        """With a payment for what the basket says, even if the shops have changed their minds since."""
        self._total = basket.total
        if self.visit.scenario is Scenario.DISABLED:
            await self._staff.disable(self._customer_id)
        if self.visit.scenario is Scenario.PRICE_CHANGED:
            await self._staff.raise_price(self.visit.choices[0], basket.items[0].price)
        authorize = payments_pb2.AuthorizePaymentRequest(
            customer_id=self._customer_id, amount=basket.total, currency=basket.currency
        )
        held = await self._mall.change(self._mall.payments.AuthorizePayment, authorize, about=self.order_id)
        declined = held.payment.status == payments_pb2.PAYMENT_STATUS_DECLINED
        if declined != (self.visit.scenario is Scenario.DECLINED):
            raise Surprised(f"the payment for {self.order_id} is {'' if declined else 'not '}declined")
        request = baskets_pb2.CheckoutBasketRequest(basket_id=self.order_id, payment_id=held.payment.payment_id)
        await self._mall.change(self._mall.baskets.CheckoutBasket, request, about=self.order_id)

    async def _do_as_planned(self) -> None:
        match self.visit.scenario:
            case Scenario.PLAIN | Scenario.PRICE_CHANGED | Scenario.ROBOT_SILENT:
                await self._until("approved", "ready")
                await self._pay()
            case Scenario.PAID_EARLY:
                await self._pay_before_readiness()
                self._shelves.let_through(self.order_id)
            case Scenario.PAID_LATE:
                await self._until("ready")
                await self._pay()
            case Scenario.SOME_MISSING:
                await self._until(*(("ready",) if self.visit.number % 2 else ("approved", "ready")))
                await self._pay()
            case Scenario.CANCELLED_PENDING:
                await self._cancel()
            case Scenario.CANCELLED_APPROVED:
                await self._until("approved")
                await self._cancel()
            case Scenario.CANCELLED_READY:
                await self._until("ready")
                await self._cancel()
            case Scenario.CANCELLED_PAID:
                await self._pay_before_readiness()
                await self._cancel()

    async def _pay_before_readiness(self) -> None:
        await self._until("approved")
        await self._pay()
        await self._until("paid")

    async def _pay(self) -> None:
        """The invoice comes a moment after the approval."""
        request = payments_pb2.PayInvoiceRequest(order_id=self.order_id)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self._mall.change(self._mall.payments.PayInvoice, request, about=self.order_id)
                return
            except NotFound:
                if time.monotonic() > deadline:
                    raise
            await self._wait(2 * SHORTEST_PAUSE)

    async def _cancel(self) -> None:
        """As soon as there is an order."""
        request = ordering_pb.CancelOrderRequest(order_id=self.order_id, reason="changed my mind")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await self._mall.change(self._mall.ordering.CancelOrder, request, about=self.order_id)
                break
            except NotFound:
                if time.monotonic() > deadline:
                    raise
            await self._wait(SHORTEST_PAUSE / 2)
        self._shelves.let_through(self.order_id)

    async def _until(self, *states: str) -> str:
        """Wait for one of these states; which one. Raises Surprised when it ends as another, or takes too long."""
        deadline, pause, state = time.monotonic() + PATIENCE_SECONDS, SHORTEST_PAUSE, "unknown"
        while time.monotonic() < deadline:
            state = await self._state()
            if state in states:
                return state
            if state in ENDED:
                break
            await self._wait(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
        raise Surprised(f"order {self.order_id} is {state}, not {' or '.join(states)}")

    async def _wait(self, seconds: float) -> None:
        """Raises Lost."""
        if self.is_lost:
            raise Lost(self.order_id)
        await asyncio.sleep(seconds)

    async def _state(self) -> str:
        request = ordering_pb.GetOrderRequest(order_id=self.order_id)
        try:
            looked = await self._mall.look(self._mall.ordering.GetOrder, request)
        except NotFound:
            return "unknown"
        order = looked.order
        if order.total > self._total:
            raise Surprised(f"order {self.order_id} costs {order.total}, its basket cost {self._total}")
        return ordering_pb.OrderStatus.Name(order.status).removeprefix("ORDER_STATUS_").lower()
