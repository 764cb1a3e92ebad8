"""`mallbots demo`: a day in the mall in fast motion. Shops open, customers come, robots run; then it is checked."""

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mallbots.actors.customers import Customer, Surprised
from mallbots.actors.mall import Mall
from mallbots.actors.robots import Robot
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.books import read_books
from mallbots.demo_report import Report, Visited, as_json, show
from mallbots.directories import CONTEXTS, contexts_with_data
from mallbots.flow import find_flow
from mallbots.flow_view import show_flow
from mallbots.invariants import check, gather_evidence
from mallbots.operators import open_operators
from mallbots.plan import Plan, Scenario, make_plan
from mallbots.quiet import until_quiet
from mallbots.reporting import Failed, open_console, print_json
from mallbots.supervisor import supervised
from mallbots.totals import critical_seconds, totals
from mallbots_platform.errors import PlatformError

MOST_ORDERS = 100_000
CUSTOMERS_AT_ONCE = 12
SETTLE_SECONDS = 60.0
LEASE_SECONDS = 2.0
ENVIRONMENT = {
    "MALLBOTS_DEPOT_BOT_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "MALLBOTS_BASKETS_ABANDON_AFTER_SECONDS": "5",
}


async def demo(orders: int, seed: int, data: Path | None, keep: bool, json_wanted: bool) -> bool:
    """Whether every customer got what the plan says, and every invariant holds."""
    if not 1 <= orders <= MOST_ORDERS:
        raise Failed(f"--orders is {orders}, must be 1 to {MOST_ORDERS}")
    plan, console = make_plan(orders, seed), open_console(stderr=True)
    with _directory(data, keep) as place:
        report = await _play(plan, place, seed, console)
        async with open_operators(place) as operators:
            flow = await find_flow(operators, report.flow) if report.flow and not json_wanted else None
        if flow:
            show_flow(flow)
        if json_wanted:
            print_json(as_json(report))
        else:
            show(report)
        if keep or data:
            console.print(f"kept in {place}: try `mallbots flow {report.flow} --data {place}`", soft_wrap=True)
    return report.is_good


@contextlib.contextmanager
def _directory(data: Path | None, keep: bool) -> Iterator[Path]:
    """Where the run keeps its things; removed afterwards, unless somebody wants to look at it."""
    if data and contexts_with_data(data):
        raise Failed(f"{data} holds an earlier run: choose another directory, or remove it")
    place = data.absolute() if data else Path(tempfile.mkdtemp(prefix="mallbots-"))
    try:
        yield place
    finally:
        if not (data or keep):
            shutil.rmtree(place, ignore_errors=True)


async def _play(plan: Plan, place: Path, seed: int, console: Console) -> Report:
    begun = time.monotonic()
    async with supervised(place, CONTEXTS, ENVIRONMENT, lambda text: console.print(f"mallbots: {text}")) as running:
        console.print(f"six services and Redis are up after {time.monotonic() - begun:.1f} s", style="dim")
        mall = Mall({context: at.grpc for context, at in running.endpoints.items()})
        try:
            visited = await _day(plan, mall, seed, console)
            return await _account(place, mall, visited)
        finally:
            await mall.close()


async def _day(plan: Plan, mall: Mall, seed: int, console: Console) -> list[Visited]:
    shelves, staff = Shelves(), Staff(mall)
    await staff.open_stores(plan)
    robots = [
        Robot(name, mall, shelves, random.Random(f"{name} {seed}"), silence_seconds=1.5 * LEASE_SECONDS)
        for name in plan.bots
    ]
    customers = [Customer(visit, mall, staff, shelves) for visit in plan.visits]
    async with _at_work(robots, staff):
        with _progress(console, customers) as done:
            return await asyncio.gather(*_visits(customers, done))


def _visits(customers: list[Customer], done: Progress) -> Iterable[asyncio.Task[Visited]]:
    """A dozen at a time. Who forgets a basket takes nobody's place."""
    kiosks, begun = asyncio.Semaphore(CUSTOMERS_AT_ONCE), time.monotonic()

    async def visit(customer: Customer) -> Visited:
        forgets = customer.visit.scenario is Scenario.FORGOTTEN
        async with contextlib.nullcontext() if forgets else kiosks:
            try:
                ended, surprise = await customer.shop(), ""
            except (Surprised, PlatformError) as error:
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


async def _account(place: Path, mall: Mall, visited: list[Visited]) -> Report:
    async with open_operators(place) as operators:
        left_over = await until_quiet(operators, SETTLE_SECONDS)
        books = await read_books(mall)
        evidence = await gather_evidence(operators, books.orders, books.takings)
        return Report(
            visited=visited,
            states=books.states,
            totals=await totals(operators),
            invariants=check(evidence),
            critical=critical_seconds(evidence.all_deliveries),
            messages=evidence.messages,
            left_over=left_over,
        )


def _progress(console: Console, customers: list[Customer]) -> Progress:
    columns = (TextColumn("customers served"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task("", total=len(customers))
    return progress
