"""After a run: wait until the mall is at rest, then hold what customers know against what the mall knows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from loadtests.effects import find_effects
from loadtests.measurements import Measurements
from loadtests.reconciliation import Accepted, Found, nobody_elses, reconcile
from loadtests.verdict import Account
from mallbots.actors.mall import Mall
from mallbots.books import read_books
from mallbots.invariants import (
    FINAL_STATES,
    Evidence,
    Invariant,
    applied_exactly_once,
    every_order_ended,
    gather_evidence,
    money_adds_up,
    no_cause_missing,
    order_held_per_key,
)
from mallbots.operators import open_operators
from mallbots.quiet import until_quiet


async def open_orders(mall: Mall) -> set[str]:
    """Of somebody else: none of our business."""
    books = await read_books(mall)
    return {id for id, order in books.orders.items() if order.state not in FINAL_STATES}


async def account(
    data: Path, mall: Mall, measured: Measurements, spared: set[str], *, settle_seconds: float, is_ours: bool
) -> Account:
    """`spared` are orders that need not have ended. In a mall of ours there are no orders but those of this run."""
    async with open_operators(data) as operators:
        left_over = await until_quiet(operators, settle_seconds)
        books = await read_books(mall)
        evidence = await gather_evidence(operators, books.orders, books.takings)
    payments = {id: placed.payment_id for id, placed in measured.placed.items()}
    found = await find_effects(mall, books, evidence.messages, payments)
    accepted = [Accepted(id, each.journey, measured.meant.get(id, "")) for id, each in measured.placed.items()]
    reconciled = [*reconcile(accepted, found), *([nobody_elses(accepted, found)] if is_ours else [])]
    ours = {id: found[id].state for id in measured.placed if id in found}
    return Account(left_over, reconciled, invariants_of(evidence, found, spared), ours)


def invariants_of(evidence: Evidence, found: Mapping[str, Found], spared: set[str]) -> list[Invariant]:
    ended = _without(evidence, found, spared)
    return [
        every_order_ended(ended),
        applied_exactly_once(evidence),
        no_cause_missing(evidence),
        order_held_per_key(evidence),
        money_adds_up(ended),
    ]


def _without(evidence: Evidence, found: Mapping[str, Found], spared: Iterable[str]) -> Evidence:
    """As if those orders had never been."""
    left = set(spared)
    return replace(
        evidence,
        messages=[entry for entry in evidence.messages if entry.subject not in left],
        orders={id: order for id, order in evidence.orders.items() if id not in left},
        takings=evidence.takings - sum(found[id].kept for id in left if id in found),
    )
