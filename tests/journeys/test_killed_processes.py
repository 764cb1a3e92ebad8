"""Kill whichever process, while customers shop: it comes back, and every order ends as it should."""

import asyncio

import pytest

from mallbots.books import read_books
from mallbots.directories import CONTEXTS
from mallbots.invariants import check, gather_evidence
from mallbots.liveness import is_serving
from mallbots.operators import open_operators
from mallbots.plan import Scenario
from mallbots.quiet import until_quiet
from tests.support.mall import Day, RunningMall, open_day
from tests.support.world import eventually

BACK_SECONDS = 60.0
SCENARIOS = (Scenario.PLAIN, Scenario.PAID_EARLY, Scenario.SOME_MISSING, Scenario.CANCELLED_READY)


async def test_a_killed_process_comes_back_where_it_was(mall: RunningMall) -> None:
    before = mall.services["customers"]["grpc"]

    await kill(mall, "customers")

    assert "customers ended (signal 9); starting it again" in mall.said
    async with mall.clients() as clients, open_day(clients) as day:
        assert mall.addresses["customers"] == before
        assert await day.visit()


@pytest.mark.timeout(300)
async def test_orders_survive_the_death_of_every_context(mall: RunningMall) -> None:
    async with mall.clients() as clients:
        async with open_day(clients) as day:
            for context in CONTEXTS:
                await asyncio.gather(kill(mall, context), shopping(day))
        async with open_operators(mall.data) as operators:
            left_over = await until_quiet(operators, seconds=60)
            books = await read_books(clients)
            evidence = await gather_evidence(operators, books.orders, books.takings)

    assert left_over == ""
    assert [each for each in check(evidence) if not each.holds] == []
    assert len(books.orders) >= len(CONTEXTS) * len(SCENARIOS)


async def shopping(day: Day) -> None:
    await asyncio.gather(*(day.visit(scenario) for scenario in SCENARIOS))


async def kill(mall: RunningMall, context: str) -> None:
    """And wait until another process serves in its place."""
    killed = mall.kill(context)

    async def is_back() -> bool:
        return mall.pids[context] != killed and await is_serving(mall.addresses[context])

    await eventually(is_back, BACK_SECONDS)
