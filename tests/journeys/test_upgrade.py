"""A mall of before, killed in the middle of its day, is started again by this program: every order still ends."""

import asyncio
import tarfile
from pathlib import Path

import pytest

from contexts.payments.contract import payments_pb2
from mallbots.actors.mall import Mall
from mallbots.books import read_books
from mallbots.invariants import FINAL_STATES, check, gather_evidence
from mallbots.operators import open_operators
from mallbots.quiet import until_quiet
from mallbots_platform.errors import NotFound, RuleViolated
from tests.support.mall import open_day, running_mall
from tests.support.world import eventually

BEFORE = Path(__file__).parents[1] / "upgrade" / "before_epochs.tar.xz"
ALL_END_WITHIN_SECONDS = 60.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with tarfile.open(BEFORE) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.mark.timeout(200)
async def test_a_mall_of_before_goes_on_where_it_was(data: Path) -> None:
    with running_mall(data, MALLBOTS_BASKETS_ABANDON_AFTER_SECONDS="5") as mall:
        async with mall.clients() as clients:
            before = (await read_books(clients)).states
            async with open_day(clients):
                paying = asyncio.create_task(pay(clients))
                await eventually(lambda: have_ended(clients), ALL_END_WITHIN_SECONDS)
                paying.cancel()
            async with open_operators(mall.data) as operators:
                left_over = await until_quiet(operators, seconds=30)
                books = await read_books(clients)
                evidence = await gather_evidence(operators, books.orders, books.takings)

    assert any(before[state] for state in ("pending", "approved", "paid", "ready")), "nothing was under way"
    assert books.states.total() >= before.total()
    assert left_over == ""
    assert [each for each in check(evidence) if not each.holds] == []


async def have_ended(clients: Mall) -> bool:
    return (await read_books(clients)).states.keys() <= FINAL_STATES


async def pay(clients: Mall) -> None:
    """Whoever still owes something; what was paid already, or is not invoiced yet, is refused."""
    while True:
        for order_id, order in (await read_books(clients)).orders.items():
            if order.state in ("approved", "ready"):
                request = payments_pb2.PayInvoiceRequest(order_id=order_id)
                try:
                    await clients.change(clients.payments.PayInvoice, request, about=order_id)
                except (NotFound, RuleViolated):
                    continue
        await asyncio.sleep(0.1)
