"""`mallbots demo`: a day in the mall in fast motion. Shops open, customers come, robots run; then it is checked."""

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from mallbots.actors.customers import Customer, Surprised
from mallbots.actors.mall import Mall
from mallbots.actors.robots import Robot
from mallbots.actors.shelves import Shelves
from mallbots.actors.staff import Staff
from mallbots.books import read_books
from mallbots.chaos import ENVIRONMENT as CHAOS_ENVIRONMENT
from mallbots.chaos import Chaos, Felt
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


async def demo(orders: int, seed: int, data: Path | None, keep: bool, chaos: bool, json_wanted: bool) -> None:
    """Raises Failed when a customer did not get what the plan says, or an invariant does not hold."""
    if not 1 <= orders <= MOST_ORDERS:
        raise Failed(f"--orders is {orders}, must be 1 to {MOST_ORDERS}")
    plan, console = make_plan(orders, seed), open_console(stderr=True)
    place, stays = _place(data), bool(data) or keep
    try:
        report = await _play(plan, place, seed, chaos, console)
        stays = stays or not report.is_good
        if json_wanted:
            print_json(as_json(report))
        else:
            await _show(report, place)
        if stays:
            console.print(f"kept in {place}: look at it with", style="dim", soft_wrap=True)
            console.print(f"mallbots flow {report.flow} --data {place}", soft_wrap=True)
    finally:
        if not stays:
            shutil.rmtree(place, ignore_errors=True)
    if not report.is_good:
        raise Failed(report.complaint)


def _place(data: Path | None) -> Path:
    """Where the run keeps its things: a scratch directory, if none is wanted. Raises Failed."""
    if data and contexts_with_data(data):
        raise Failed(f"{data} holds an earlier run: choose another directory, or remove it")
    return data.absolute() if data else Path(tempfile.mkdtemp(prefix="mallbots-"))


async def _show(report: Report, place: Path) -> None:
    if report.flow:
        async with open_operators(place) as operators:
            show_flow(await find_flow(operators, report.flow))
    show(report)


async def _play(plan: Plan, place: Path, seed: int, chaotic: bool, console: Console) -> Report:
    begun, environ = time.monotonic(), ENVIRONMENT | (CHAOS_ENVIRONMENT if chaotic else {})
    report = partial(_say, console)
    async with contextlib.AsyncExitStack() as stack:
        with console.status("starting Redis and six services"):
            running = await stack.enter_async_context(
                supervised(place, CONTEXTS, environ, report, through_proxy=chaotic)
            )
        console.print(f"six services and Redis are up after {time.monotonic() - begun:.1f} s", style="dim")
        mall = Mall({context: at.grpc for context, at in running.endpoints.items()})
        stack.push_async_callback(mall.close)
        chaos = Chaos(running, mall, seed, report) if chaotic else None
        visited = await _day(plan, mall, seed, chaos, console)
        with console.status("checking what became of every order and every message"):
            return await _account(place, mall, visited, chaos.felt if chaos else [])


def _say(console: Console, text: str) -> None:
    console.print(f"mallbots: {text}", soft_wrap=True)


async def _day(plan: Plan, mall: Mall, seed: int, chaos: Chaos | None, console: Console) -> list[Visited]:
    shelves, staff = Shelves(), Staff(mall)
    await staff.open_stores(plan)
    robots = [
        Robot(name, mall, shelves, random.Random(f"{name} {seed}"), silence_seconds=1.5 * LEASE_SECONDS)
        for name in plan.bots
    ]
    customers = [Customer(visit, mall, staff, shelves) for visit in plan.visits]
    async with _at_work(robots, staff):
        with _progress(console, customers) as done:
            visits = asyncio.gather(*_visits(customers, chaos, done))
            await asyncio.gather(visits, chaos.run() if chaos else asyncio.sleep(0))
            return await visits


def _visits(customers: list[Customer], chaos: Chaos | None, done: Progress) -> Iterable[asyncio.Task[Visited]]:
    """A dozen at a time, spread over all of the chaos. Who forgets a basket takes nobody's place."""
    kiosks, begun = asyncio.Semaphore(CUSTOMERS_AT_ONCE), time.monotonic()

    async def visit(customer: Customer) -> Visited:
        if chaos:
            await chaos.until(customer.visit.number / len(customers))
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


async def _account(place: Path, mall: Mall, visited: list[Visited], felt: list[Felt]) -> Report:
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
            faults=felt,
        )


def _progress(console: Console, customers: list[Customer]) -> Progress:
    columns = (TextColumn("customers served"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task("", total=len(customers))
    return progress
