"""A day in the mall: shops open, customers come, robots run; and whatever else happens alongside."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mallbots.actors.customers import Customer, Surprised
from mallbots.actors.mall import Lost, Mall
from mallbots.actors.robots import Robot
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.plan import Plan, Scenario, Visit
from mallbots_platform.errors import PlatformError

CUSTOMERS_AT_ONCE = 12
LEASE_SECONDS = 2.0
ENVIRONMENT = {
    "MALLBOTS_DEPOT_BOT_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "MALLBOTS_BASKETS_ABANDON_AFTER_SECONDS": "5",
}


@dataclass(frozen=True, slots=True)
class Visited:
    """One customer's visit: it was over `seconds` after the doors opened; `surprise` is what no plan foresaw. Of what
    `is_lost` with a restored database nothing can be expected."""

    visit: Visit
    order_id: str
    ended: str
    seconds: float
    surprise: str = ""
    is_lost: bool = False

    @property
    def as_planned(self) -> bool:
        return self.is_lost or (not self.surprise and self.ended == self.visit.scenario.ends_as)


class Alongside(Protocol):
    """What happens while customers shop; they are spread over all of it."""

    async def run(self) -> None: ...
    async def until(self, share: float) -> None:
        """Wait until that share of it, between 0 and 1, has begun."""


class QuietDay:
    async def run(self) -> None: ...
    async def until(self, share: float) -> None: ...


async def live_through(plan: Plan, mall: Mall, seed: int, alongside: Alongside, console: Console) -> list[Visited]:
    shelves, staff = Shelves(), Staff(mall)
    await staff.open_stores(plan)
    robots = [
        Robot(name, mall, shelves, random.Random(f"{name} {seed}"), silence_seconds=1.5 * LEASE_SECONDS)
        for name in plan.bots
    ]
    customers = [Customer(visit, mall, staff, shelves) for visit in plan.visits]
    async with _at_work(robots, staff):
        with _progress(console, customers) as done:
            visits = asyncio.gather(*_visits(customers, alongside, done))
            try:
                await asyncio.gather(visits, alongside.run())
            finally:
                visits.cancel()
            return [replace(each, is_lost=who.is_lost) for each, who in zip(visits.result(), customers, strict=True)]


def _visits(customers: list[Customer], alongside: Alongside, done: Progress) -> Iterable[asyncio.Task[Visited]]:
    """A dozen at a time. Who forgets a basket takes nobody's place."""
    kiosks, begun = asyncio.Semaphore(CUSTOMERS_AT_ONCE), time.monotonic()

    async def visit(customer: Customer) -> Visited:
        await alongside.until(customer.visit.number / len(customers))
        forgets = customer.visit.scenario is Scenario.FORGOTTEN
        async with contextlib.nullcontext() if forgets else kiosks:
            try:
                ended, surprise = await customer.shop(), ""
            except (Surprised, Lost, PlatformError) as error:
                ended, surprise = "", str(error)
        done.advance(done.task_ids[0])
        return Visited(customer.visit, customer.order_id, ended, time.monotonic() - begun, surprise)

    return [asyncio.create_task(visit(customer)) for customer in customers]


@asynccontextmanager
async def _at_work(robots: list[Robot], staff: Staff) -> AsyncIterator[None]:
    """Robots and staff work as long as customers come. What stops one of them stops the day."""
    workers = [asyncio.create_task(robot.work()) for robot in robots] + [asyncio.create_task(staff.serve())]
    day = asyncio.current_task()

    def ended(worker: asyncio.Task[None]) -> None:
        if not worker.cancelled() and day:
            day.cancel()

    for worker in workers:
        worker.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        for worker in workers:
            if worker.done() and not worker.cancelled() and (error := worker.exception()):
                raise error from None
        raise
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    await asyncio.gather(*(robot.leave() for robot in robots))


def _progress(console: Console, customers: list[Customer]) -> Progress:
    columns = (TextColumn("customers served"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task("", total=len(customers))
    return progress
