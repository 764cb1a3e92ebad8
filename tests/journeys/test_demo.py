"""A whole day in the mall, as `mallbots demo` plays it, for seeds that nobody chose."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mallbots.directories import CONTEXTS
from mallbots.liveness import left_running
from mallbots.plan import Scenario
from tests.support.mall import Finished, mallbots, mallbots_here

ORDERS = 25
SEEDS = (7, 20_260)
FROM_CLICK_TO_HAND_OVER = (
    "baskets.BasketStarted",
    "payments.PaymentAuthorized",
    "baskets.BasketCheckedOut",
    "ordering.OrderCreated",
    "depot.ShoppingListCreated",
    "depot.ShoppingListScheduled",
    "ordering.OrderApproved",
    "payments.InvoiceIssued",
    "depot.ShoppingListAssigned",
    "depot.ShoppingStarted",
    "depot.StoreVisited",
    "depot.ItemCollected",
    "depot.ShoppingListCompleted",
    "payments.InvoicePaid",
    "ordering.OrderReadied",
    "ordering.OrderPaid",
    "ordering.OrderCompleted",
    "ordering.OrderCollected",
)
STEPS = ("authorize-customer", "create-shopping-list", "confirm-payment", "schedule-shopping")


pytestmark = pytest.mark.timeout(300)


class Runs:
    """Played when they are first asked for, and kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._told: dict[int, Finished] = {}

    def data(self, seed: int) -> Path:
        return self.directory / str(seed)

    def finished(self, seed: int) -> Finished:
        if seed not in self._told:
            options = ("--orders", str(ORDERS), "--seed", str(seed), "--data", str(self.data(seed)))
            self._told[seed] = mallbots("demo", *options, "--json", seconds=240)
        return self._told[seed]

    def flow(self, seed: int, *options: str) -> Finished:
        return mallbots_here("flow", self.finished(seed).answer["flow"], "--data", str(self.data(seed)), *options)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("demo"))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_order_ends_as_planned(runs: Runs, seed: int) -> None:
    told = runs.finished(seed).answer

    orders, scenarios = told["orders"], told["scenarios"]
    assert len(runs.finished(seed).lines) == 1
    assert told["surprises"] == []
    assert orders["placed"] == ORDERS
    assert orders["collected"] + orders["cancelled"] + orders["rejected"] == ORDERS
    assert set(scenarios) == {scenario.value for scenario in Scenario}
    assert all(each["as_planned"] == each["visits"] > 0 for each in scenarios.values())
    assert set(told["cancelled_in"]) == {"pending", "approved", "ready", "paid"}


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_set_aside(runs: Runs, seed: int) -> None:
    told = runs.finished(seed).answer

    events, invariants = told["events"], told["invariants"]
    assert set(events) == {"published", "applied", "duplicates", "parked", "dead", "republished"}
    assert events["published"] > 20 * ORDERS and events["applied"] > 10 * ORDERS
    assert events["parked"] == events["dead"] == 0
    assert len(invariants) >= 5
    assert [each["name"] for each in invariants if not each["holds"]] == []
    assert all(each["name"] and each["detail"] for each in invariants)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_speed_is_told(runs: Runs, seed: int) -> None:
    told = runs.finished(seed).answer

    late = told["critical_seconds"]
    assert 0 < late["p50"] <= late["p95"] <= late["p99"] < 60
    assert told["orders_per_second"] == pytest.approx(ORDERS / told["seconds"], abs=0.01)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_process_is_left_behind(runs: Runs, seed: int) -> None:
    assert runs.finished(seed).code == 0

    assert await left_running(runs.data(seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flow_shows_every_event_to_the_hand_over(runs: Runs, seed: int) -> None:
    flow = runs.flow(seed, "--json").answer

    shown = {message["id"]: message for message in messages_in(flow)}
    events = [message["type"] for message in shown.values() if message["channel"] == "events"]
    steps = " ".join(id for id, message in shown.items() if message["channel"].startswith("commands."))
    assert [name for name in FROM_CLICK_TO_HAND_OVER if name not in events] == []
    assert [step for step in STEPS if step not in steps] == []
    assert flow["ends_with_hand_over"] and flow["state"] == "collected"
    assert set(everything_said_about(runs.data(seed), flow["id"])) - set(shown) == set()
    assert flow["events"] == len(events)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flow_shows_each_handling_and_its_times(runs: Runs, seed: int) -> None:
    flow = runs.flow(seed, "--json").answer

    shown = list(messages_in(flow))
    applied = [each for message in shown for each in message["handlings"] if each["outcome"] == "applied"]
    workers = {each["group"] for message in shown if message["channel"] != "events" for each in message["handlings"]}
    assert all(each["handler_us"] > 0 and each["critical_us"] > 0 and each["stream_us"] >= 0 for each in applied)
    assert all(message["outbox_us"] is not None for message in shown if message["handlings"])
    assert {each["group"] for each in applied} >= {"ordering", "payments"}
    assert workers == {"customers", "depot", "payments"}
    assert all(root["kind"] in ("call", "timer", "elsewhere") for root in flow["roots"])


def test_a_person_reads_the_flow_from_top_to_bottom(runs: Runs) -> None:
    text = runs.flow(SEEDS[0]).stdout

    places = [text.find(name) for name in ("StartBasket", *FROM_CLICK_TO_HAND_OVER[2:4], "HandOver")]
    assert "collected" in text.splitlines()[0]
    assert -1 not in places and places == sorted(places)
    assert "order · authorize customer" in text
    assert all(name in text for name in FROM_CLICK_TO_HAND_OVER)


def test_a_flow_is_found_by_any_of_its_ids(runs: Runs) -> None:
    order, data = runs.finished(SEEDS[0]).answer["flow"], runs.data(SEEDS[0])
    approval, trace = ids_of(data, "ordering", "ordering.OrderApproved", order)

    for id in (approval, trace):
        flow = mallbots_here("flow", id, "--data", str(data), "--json").answer

        shown = {message["id"]: message for message in messages_in(flow)}
        assert set(everything_said_about(data, order)) <= set(shown)
        assert shown[approval]["asked_for"]


def test_a_run_that_was_kept_still_answers(runs: Runs) -> None:
    assert runs.finished(SEEDS[0]).code == 0
    here = ("--data", str(runs.data(SEEDS[0])))

    tail = mallbots_here("events", "tail", "--from", "start", "--no-follow", "--json", *here)

    assert {json.loads(line)["source"] for line in tail.lines} == set(CONTEXTS)
    assert mallbots_here("parked", "list", "--json", *here).answer == []
    assert mallbots_here("doctor", "--json", *here).answer["healthy"]
    assert "nothing runs" in mallbots_here("lag", *here).refusal
    assert "earlier run" in mallbots_here("demo", *here).refusal


def messages_in(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for root in flow["roots"]:
        yield from effects_of(root)


def effects_of(cause: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a root, a message or a handling: all that it led to."""
    for handling in cause.get("handlings", []):
        yield from effects_of(handling)
    for message in cause["effects"]:
        yield message
        yield from effects_of(message)


def everything_said_about(data: Path, correlation_id: str) -> list[str]:
    """Message ids, out of the databases themselves; replies count as a part of their commands."""
    query = "SELECT id FROM outbox WHERE correlation_id = ? AND channel NOT LIKE 'replies.%'"
    found = [id for context in CONTEXTS for (id,) in select(data, context, query, correlation_id)]
    assert found
    return found


def ids_of(data: Path, context: str, type: str, correlation_id: str) -> tuple[str, str]:
    """Of one message: its own and its trace's."""
    query = "SELECT id, trace_id FROM outbox WHERE type = ? AND correlation_id = ?"
    ((id, trace),) = select(data, context, query, type, correlation_id)
    return id, trace


def select(data: Path, context: str, query: str, *values: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(data / f"{context}.db")) as database:
        return database.execute(query, values).fetchall()
