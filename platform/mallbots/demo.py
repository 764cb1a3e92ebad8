"""`mallbots demo`: a day in the mall in fast motion. Shops open, customers come, robots run; then it is checked."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
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
from mallbots.plan import Plan, make_plan
from mallbots.quiet import until_quiet
from mallbots.reporting import Failed, open_console, print_json
from mallbots.soak import Soak, show_memory
from mallbots.supervisor import Supervisor, supervised
from mallbots.totals import critical_seconds, totals

MOST_ORDERS = 100_000
SETTLE_SECONDS = 60.0


async def demo(orders: int, seed: int, data: Path | None, keep: bool, chaos: bool, json_wanted: bool) -> None:
    """Raises Failed when a customer did not get what the plan says, or an invariant does not hold."""
    if not 1 <= orders <= MOST_ORDERS:
        raise Failed(f"--orders is {orders}, must be 1 to {MOST_ORDERS}")
    plan, console = make_plan(orders, seed), open_console(stderr=True)
    place, stays = scratch(data), bool(data) or keep
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


def scratch(data: Path | None) -> Path:
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
    async with open_mall(place, chaotic, console) as (running, mall):
        chaos = Chaos(running, mall, seed, partial(_say, console)) if chaotic else None
        visited = await live_through(plan, mall, seed, chaos or QuietDay(), console)
        with console.status("checking what became of every order and every message"):
            return await account(place, mall, visited, chaos.felt if chaos else [])


@contextlib.asynccontextmanager
async def open_mall(place: Path, chaotic: bool, console: Console) -> AsyncIterator[tuple[Supervisor, Mall]]:
    """Everything up, behind a wire that can be cut when it is going to be chaotic."""
    begun, environ = time.monotonic(), ENVIRONMENT | (CHAOS_ENVIRONMENT if chaotic else {})
    async with contextlib.AsyncExitStack() as stack:
        with console.status("starting Redis and six services"):
            running = await stack.enter_async_context(
                supervised(place, CONTEXTS, environ, partial(_say, console), through_proxy=chaotic)
            )
        console.print(f"six services and Redis are up after {time.monotonic() - begun:.1f} s", style="dim")
        mall = Mall({context: at.grpc for context, at in running.endpoints.items()})
        stack.push_async_callback(mall.close)
        yield running, mall


def _say(console: Console, text: str) -> None:
    console.print(f"mallbots: {text}", soft_wrap=True)


async def account(place: Path, mall: Mall, visited: list[Visited], felt: list[Felt]) -> Report:
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


async def soak(minutes: float, rate: float, seed: int, json_wanted: bool) -> None:
    """Raises Failed when a customer did not get what the plan says, an invariant does not hold, or memory grows."""
    if not (0 < minutes <= 240 and 0 < rate <= 50):
        raise Failed("--minutes must be more than 0 and at most 240, --rate more than 0 and at most 50")
    plan, console, place = make_plan(round(minutes * 60 * rate), seed), open_console(stderr=True), scratch(None)
    try:
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
    finally:
        shutil.rmtree(place, ignore_errors=True)
    grown = ", ".join(each.context for each in memory if not each.is_flat)
    if not report.is_good or grown:
        raise Failed(report.complaint or f"memory grows in {grown}")
