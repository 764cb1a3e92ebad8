"""`mallbots demo`: a day in the mall in fast motion. Shops open, customers come, robots run; then it is checked."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from mallbots.actors.mall import Mall
from mallbots.books import read_books
from mallbots.chaos import ENVIRONMENT as CHAOS_ENVIRONMENT
from mallbots.chaos import Chaos, Felt
from mallbots.day import ENVIRONMENT, QuietDay, Visited, live_through
from mallbots.demo_report import Report, as_json, show
from mallbots.directories import CONTEXTS, contexts_with_data
from mallbots.flow import find_flow
from mallbots.flow_view import show_flow
from mallbots.invariants import check, gather_evidence
from mallbots.operators import open_operators
from mallbots.own_postgres import MISSING, postgres_binary
from mallbots.plan import Plan, make_plan
from mallbots.quiet import until_quiet
from mallbots.reporting import Failed, open_console, print_json
from mallbots.soak import Soak, show_memory
from mallbots.supervisor import Supervisor, supervised
from mallbots.totals import critical_seconds, totals
from mallbots.troubles.restores import discard_lost

MOST_ORDERS = 100_000
ON_POSTGRES = ("payments",)
SETTLE_SECONDS = 60.0


@dataclass(slots=True)
class Place:
    """Where a run keeps its things; `again` is the command that plays it once more."""

    path: Path
    stays: bool
    again: str


async def demo(
    orders: int, seed: int, data: Path | None, keep: bool, chaos: bool, json_wanted: bool, again: str
) -> None:
    """Raises Failed when a customer did not get what the plan says, or an invariant does not hold."""
    if not 1 <= orders <= MOST_ORDERS:
        raise Failed(f"--orders is {orders}, must be 1 to {MOST_ORDERS}")
    if chaos:
        _refuse_foreign_redis()
    plan, console = make_plan(orders, seed), open_console(stderr=True)
    with _taken(data, keep, again) as place:
        report = await _play(plan, place, seed, chaos, console)
        if json_wanted:
            print_json(as_json(report))
        else:
            await _show(report, place.path)
        _say_where(report, place, console)
    if not report.is_good:
        raise Failed(report.complaint)


@contextlib.contextmanager
def _taken(data: Path | None, keep: bool, again: str) -> Iterator[Place]:
    """A scratch directory is removed in the end, unless it is to stay. Raises Failed."""
    place = Place(scratch(data), bool(data) or keep, again)
    try:
        yield place
    finally:
        if not place.stays:
            shutil.rmtree(place.path, ignore_errors=True)


def scratch(data: Path | None) -> Path:
    """Where the run keeps its things: a scratch directory, if none is wanted. Raises Failed."""
    if data and contexts_with_data(data):
        raise Failed(f"{data} holds an earlier run: choose another directory, or remove it")
    return data.absolute() if data else Path(tempfile.mkdtemp(prefix="mallbots-"))


def _refuse_foreign_redis() -> None:
    if "MALLBOTS_REDIS_URL" in os.environ:
        raise Failed("chaos needs a Redis of its own: leave MALLBOTS_REDIS_URL unset")


def _say_where(report: Report, place: Place, console: Console) -> None:
    """Where things are kept if they are, and how to look at them and to see it once more if something went wrong."""
    place.stays = place.stays or not report.is_good
    if place.stays:
        console.print(f"kept in {place.path}: look at it with", style="dim", soft_wrap=True)
        for id in report.flows:
            console.print(f"mallbots flow {id} --data {place.path}", soft_wrap=True)
    if not report.is_good:
        console.print(f"play it again with: {place.again}", soft_wrap=True)


async def _show(report: Report, place: Path) -> None:
    if report.flow:
        async with open_operators(place) as operators:
            show_flow(await find_flow(operators, report.flow))
    show(report)


async def _play(plan: Plan, place: Place, seed: int, chaotic: bool, console: Console) -> Report:
    async with open_mall(place, chaotic, console) as (running, mall):
        chaos = Chaos(running, mall, seed, partial(_say, console)) if chaotic else None
        visited = await live_through(plan, mall, seed, chaos or QuietDay(), console)
        with console.status("checking what became of every order and every message"):
            return await account(place, mall, visited, chaos.felt if chaos else [])


@contextlib.asynccontextmanager
async def open_mall(place: Place, chaotic: bool, console: Console) -> AsyncIterator[tuple[Supervisor, Mall]]:
    """Everything up, behind a wire that can be cut when it is going to be chaotic. What fails in it is kept."""
    on_postgres = ON_POSTGRES if chaotic and postgres_binary("postgres") else ()
    if chaotic and not on_postgres:
        _say(console, f"no database is going to be frozen: {MISSING}")
    begun, environ = time.monotonic(), ENVIRONMENT | (CHAOS_ENVIRONMENT if chaotic else {})
    async with contextlib.AsyncExitStack() as stack:
        with console.status("starting Redis and six services"):
            running = await stack.enter_async_context(
                supervised(
                    *(place.path, CONTEXTS, environ, partial(_say, console)),
                    through_proxy=chaotic,
                    on_postgres=on_postgres,
                )
            )
        console.print(f"six services and Redis are up after {time.monotonic() - begun:.1f} s", style="dim")
        mall = await stack.enter_async_context(clients(running))
        try:
            yield running, mall
        except Exception:
            place.stays = True
            console.print(f"kept in {place.path}, logs in {place.path / 'logs'}", style="dim", soft_wrap=True)
            console.print(f"play it again with: {place.again}", soft_wrap=True)
            raise


@contextlib.asynccontextmanager
async def clients(running: Supervisor) -> AsyncIterator[Mall]:
    """Clients of its contexts, as people and robots use them."""
    mall = Mall({context: at.grpc for context, at in running.endpoints.items()})
    try:
        yield mall
    finally:
        await mall.close()


def _say(console: Console, text: str) -> None:
    console.print(f"mallbots: {text}", soft_wrap=True, markup=False)


async def account(place: Place, mall: Mall, visited: list[Visited], felt: list[Felt]) -> Report:
    async with open_operators(place.path) as operators:
        left_over = await until_quiet(operators, SETTLE_SECONDS, mall.lost)
        await discard_lost(operators, mall.lost)
        books = await read_books(mall)
        evidence = await gather_evidence(operators, books.orders, books.takings, mall.lost)
        return Report(
            visited=visited,
            states=books.states,
            totals=await totals(operators),
            invariants=check(evidence),
            critical=critical_seconds(evidence.all_deliveries),
            messages=evidence.messages,
            lost=evidence.lost_orders,
            left_over=left_over,
            faults=felt,
            replay=place.again,
        )


async def soak(minutes: float, rate: float, seed: int, json_wanted: bool, again: str) -> None:
    """Raises Failed when a customer did not get what the plan says, an invariant does not hold, or memory grows."""
    if not (0 < minutes <= 240 and 0 < rate <= 50):
        raise Failed("--minutes must be more than 0 and at most 240, --rate more than 0 and at most 50")
    _refuse_foreign_redis()
    plan, console = make_plan(round(minutes * 60 * rate), seed), open_console(stderr=True)
    with _taken(None, False, again) as place:
        async with open_mall(place, True, console) as (running, mall):
            soaking = Soak(running, Chaos(running, mall, seed, partial(_say, console)), minutes * 60)
            visited = await live_through(plan, mall, seed, soaking, console)
            report = await account(place, mall, visited, soaking.chaos.felt)
        memory = soaking.memory()
        if json_wanted:
            print_json(as_json(report) | {"memory_mib": [asdict(each) for each in memory]})
        else:
            show(report)
            show_memory(memory)
        _say_where(report, place, console)
    grown = ", ".join(each.context for each in memory if not each.is_flat)
    if not report.is_good or grown:
        raise Failed(report.complaint or f"memory grows in {grown}")
