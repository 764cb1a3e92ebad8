"""A later release is rolled back in the middle of its day: the older one waits for it, and nothing is lost."""

import asyncio
from pathlib import Path

import pytest

from mallbots.actors.mall import Mall
from mallbots.books import read_books
from mallbots.invariants import check, gather_evidence
from mallbots.operators import Operators, open_operators
from mallbots.quiet import until_quiet
from mallbots_platform import operator_pb2 as pb
from tests.journeys.test_upgrade import have_ended, pay
from tests.support.mall import RunningMall, mallbots, open_day, running_mall
from tests.support.world import eventually

ORDERS = 5
ALL_END_WITHIN_SECONDS = 90.0
LATER = {"MALLBOTS_PRETENDED_RELEASES": "1", "MALLBOTS_BASKETS_ABANDON_AFTER_SECONDS": "5"}
PATIENT = {"MALLBOTS_RETRY_ATTEMPTS": "1000", "MALLBOTS_RETRY_CAP_SECONDS": "0.5"}


@pytest.mark.timeout(300)
async def test_a_mall_that_is_rolled_back_waits_for_what_it_cannot_read(tmp_path: Path) -> None:
    with running_mall(tmp_path, **LATER, **PATIENT) as later:
        await leave_orders_under_way(later)
    with running_mall(tmp_path, **PATIENT):
        async with open_operators(tmp_path) as operators:
            kept = await eventually(lambda: operators.parked(state="newer"), seconds=30)
            listed = await asyncio.to_thread(mallbots, "parked", "list", "--state", "newer", "--data", f"{tmp_path}")
            assert await operators.parked(state="dead") == []
    assert {parked.attempts for _, parked in kept} <= set(range(1000))
    assert "newer" in listed.stdout

    with running_mall(tmp_path, **LATER, **PATIENT) as later:
        async with later.clients() as clients, open_day(clients):
            paying = asyncio.create_task(pay(clients))
            await eventually(lambda: have_ended(clients), ALL_END_WITHIN_SECONDS)
            paying.cancel()
        async with open_operators(tmp_path) as operators, later.clients() as clients:
            left_over = await until_quiet(operators, seconds=30)
            books = await read_books(clients)
            evidence = await gather_evidence(operators, books.orders, books.takings)

    assert len(books.orders) == ORDERS
    assert left_over == ""
    assert [each for each in check(evidence) if not each.holds] == []


async def leave_orders_under_way(mall: RunningMall) -> None:
    """They wait for depot, which does nothing of what it is asked."""
    async with mall.clients() as clients, open_operators(mall.data) as operators, open_day(clients) as day:
        failing = pb.SwitchFaultRequest(name="failing-handler", on=True, seconds=600, strength=1)
        await operators.of("depot").SwitchFault(failing)
        customers = [asyncio.create_task(day.visit()) for _ in range(ORDERS)]
        await eventually(lambda: are_under_way(clients, operators), seconds=60)
        for customer in customers:
            customer.cancel()
        await asyncio.gather(*customers, return_exceptions=True)


async def are_under_way(clients: Mall, operators: Operators) -> bool:
    asked = [parked for _, parked in await operators.parked(group="depot") if parked.channel.startswith("commands")]
    return len(asked) == ORDERS and len((await read_books(clients)).orders) == ORDERS
