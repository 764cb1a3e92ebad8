"""Customers, robots and staff who come and work whatever happens: for tests that make trouble on purpose."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from contexts.baskets.contract import baskets_pb2
from mallbots.actors.customers import Customer, Surprised
from mallbots.actors.mall import Mall
from mallbots.actors.robots import Robot
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.plan import Choice, Plan, Scenario, Visit
from mallbots_platform.errors import PlatformError
from tests.support.mall import LEASE_SECONDS

PATIENCE_SECONDS = 8.0
PRICES_CHANGE_SECONDS, NEW_STORE_SECONDS = 1.0, 3.0
REST_SECONDS = 0.5
ROBOTS = 2
Work = Callable[[], Awaitable[None]]


class BusyMall:
    """A plan's visits, so many a second, over and over. Who waits too long leaves, and the next ones come."""

    def __init__(self, clients: Mall, plan: Plan, per_second: float) -> None:
        self.bank_declines = False
        self._clients = clients
        self._plan = plan
        self._pause = 1 / per_second
        self._staff = Staff(clients)
        self._shelves = Shelves()
        self._dice = random.Random(1)

    async def open(self) -> None:
        await self._staff.open_stores(self._plan)

    async def new_stores_open(self) -> None:
        """Every few seconds one; and somebody is there at once."""
        visit = replace(self._plan.visits[0], scenario=Scenario.PLAIN, choices=(Choice(0, 0, 1),))
        while True:
            staff = Staff(self._clients)
            await staff.open_stores(replace(self._plan, stores=self._plan.stores[:1]))
            await self._shop(Customer(visit, self._clients, staff, self._shelves))
            await asyncio.sleep(NEW_STORE_SECONDS)

    async def customers_come(self) -> None:
        inside: set[asyncio.Task[None]] = set()
        try:
            while True:
                for visit in self._plan.visits:
                    inside.add(coming := asyncio.create_task(self._shop(self._customer(visit))))
                    coming.add_done_callback(inside.discard)
                    await asyncio.sleep(self._pause)
        finally:
            for customer in inside:
                customer.cancel()
            await asyncio.gather(*inside, return_exceptions=True)

    async def prices_change(self) -> None:
        while True:
            await asyncio.sleep(PRICES_CHANGE_SECONDS)
            store = self._dice.randrange(len(self._plan.stores))
            product = self._dice.randrange(len(self._plan.stores[store].products))
            await self._staff.raise_price(Choice(store, product, 1), 100)

    async def staff_serves(self) -> None:
        await self._staff.serve()

    async def robot_works(self, name: str) -> None:
        silence = 1.5 * LEASE_SECONDS
        await Robot(name, self._clients, self._shelves, random.Random(name), silence_seconds=silence).work()

    def _customer(self, visit: Visit) -> Customer:
        if self.bank_declines:
            return Undeterred(replace(visit, scenario=Scenario.DECLINED), self._clients, self._staff, self._shelves)
        return Customer(visit, self._clients, self._staff, self._shelves)

    async def _shop(self, customer: Customer) -> None:
        with contextlib.suppress(TimeoutError, Surprised, PlatformError):
            await asyncio.wait_for(customer.shop(), PATIENCE_SECONDS)


class Undeterred(Customer):
    """Wants nothing that anybody could not pay for, expects the bank to decline all the same, and checks out."""

    async def _overdraw(self, basket: baskets_pb2.Basket) -> baskets_pb2.Basket:
        return basket


@asynccontextmanager
async def busy_mall(clients: Mall, plan: Plan, per_second: float) -> AsyncIterator[BusyMall]:
    mall = BusyMall(clients, plan, per_second)
    await mall.open()
    robots = [partial(mall.robot_works, name) for name in plan.bots[:ROBOTS]]
    works: tuple[Work, ...] = (mall.customers_come, mall.prices_change, mall.staff_serves, *robots)
    tasks = [asyncio.create_task(_tirelessly(work)) for work in works]
    try:
        yield mall
        failed = [task.exception() for task in tasks if task.done()]
        assert not failed, failed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tirelessly(work: Work) -> None:
    """Again after every failure, until cancelled."""
    while True:
        with contextlib.suppress(PlatformError):
            await work()
        await asyncio.sleep(REST_SECONDS)
