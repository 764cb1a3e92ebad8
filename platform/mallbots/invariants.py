"""What must be true of a run that is over, found in the logs and the APIs of the contexts, never in counters."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mallbots.operators import Operators
from mallbots_platform import operator_pb2 as pb

FINAL_STATES = frozenset({"collected", "rejected", "cancelled"})
EARNING_STATES = frozenset({"completed", "collected"})
SHOWN = 3


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """`state` as its API names it, in lower case; `total` in minor units."""

    state: str
    total: int


@dataclass(frozen=True, slots=True)
class Invariant:
    name: str
    holds: bool
    detail: str


@dataclass(slots=True)
class Evidence:
    """What the contexts say about a run. `takings` is what customers paid and did not get back, in minor units."""

    messages: list[pb.LogEntry] = field(default_factory=list)
    deliveries: dict[str, list[pb.Delivery]] = field(default_factory=dict)
    subscriptions: list[pb.Subscription] = field(default_factory=list)
    requests: set[str] = field(default_factory=set)
    orders: Mapping[str, OrderRecord] = field(default_factory=dict)
    takings: int = 0

    @property
    def all_deliveries(self) -> list[pb.Delivery]:
        return [delivery for deliveries in self.deliveries.values() for delivery in deliveries]


async def gather_evidence(operators: Operators, orders: Mapping[str, OrderRecord], takings: int) -> Evidence:
    """All contexts have to be running, and quiet."""
    contexts = operators.contexts
    logs = await asyncio.gather(*(operators.whole_log(context) for context in contexts))
    deliveries = await asyncio.gather(*(operators.all_deliveries(context) for context in contexts))
    statuses = await operators.ask("GetStatus", pb.GetStatusRequest())
    messages = [entry for log in logs for entry in log]
    ids = {entry.message_id for entry in messages}
    requests = await operators.requests({entry.causation_id for entry in messages} - ids - {""})
    return Evidence(
        messages=messages,
        deliveries=dict(zip(contexts, deliveries, strict=True)),
        subscriptions=[each for status in statuses.values() for each in status.subscriptions],
        requests={request.id for request in requests},
        orders=orders,
        takings=takings,
    )


def check(evidence: Evidence) -> list[Invariant]:
    return [
        every_order_ended(evidence),
        applied_exactly_once(evidence),
        no_cause_missing(evidence),
        order_held_per_key(evidence),
        money_adds_up(evidence),
    ]


def every_order_ended(evidence: Evidence) -> Invariant:
    accepted = {entry.subject for entry in evidence.messages if entry.type == "baskets.BasketCheckedOut"}
    states = {id: evidence.orders[id].state if id in evidence.orders else "unknown" for id in accepted}
    wrong = [f"{id} is {state}" for id, state in sorted(states.items()) if state not in FINAL_STATES]
    return _invariant("every accepted order reached a final state", wrong, f"{len(accepted)} orders")


def applied_exactly_once(evidence: Evidence) -> Invariant:
    """Each message of a log that a group subscribes to was delivered to it once, and nothing else was."""
    logs: dict[tuple[str, str], list[pb.LogEntry]] = defaultdict(list)
    for entry in evidence.messages:
        logs[entry.source, entry.channel].append(entry)
    done: Counter[tuple[str, str]] = Counter()
    other: dict[tuple[str, str], str] = {}
    for each in evidence.all_deliveries:
        if each.outcome in ("applied", "ignored"):
            done[each.group, each.message_id] += 1
        else:
            other[each.group, each.message_id] = each.outcome
    wrong, count = [], 0
    for group, source, channel in sorted({(each.group, each.source, each.channel) for each in evidence.subscriptions}):
        for entry in logs[source, channel]:
            count += 1
            times = done.pop((group, entry.message_id), 0)
            if times != 1:
                became = other.get((group, entry.message_id)) or f"applied {times} times"
                wrong.append(f"{entry.type} {entry.message_id} was {became} by {group}")
    wrong += [f"{group} applied {id}, which nobody said" for group, id in done]
    return _invariant("every message was applied exactly once by every subscriber", wrong, f"{count} deliveries")


def no_cause_missing(evidence: Evidence) -> Invariant:
    known = {entry.message_id for entry in evidence.messages} | evidence.requests
    wrong = [
        f"{entry.type} {entry.message_id} names {entry.causation_id or 'nothing'}"
        for entry in evidence.messages
        if entry.causation_id not in known
    ]
    return _invariant("no message's cause is missing", wrong, f"{len(evidence.messages)} messages")


def order_held_per_key(evidence: Evidence) -> Invariant:
    last: dict[tuple[str, str, str, str], int] = {}
    wrong = []
    for deliveries in evidence.deliveries.values():
        for each in sorted(deliveries, key=lambda delivery: delivery.position):
            key = (each.group, each.source, each.channel, each.subject)
            if each.sequence <= last.get(key, 0):
                wrong.append(f"{each.group} applied {each.type} {each.sequence} of {each.subject} after {last[key]}")
            last[key] = max(last.get(key, 0), each.sequence)
    return _invariant("per key the order held", wrong, f"{len(last)} keys of subscribers")


def money_adds_up(evidence: Evidence) -> Invariant:
    earned = sum(order.total for order in evidence.orders.values() if order.state in EARNING_STATES)
    wrong = [] if earned == evidence.takings else [f"customers paid {evidence.takings}, completed orders cost {earned}"]
    return _invariant("money adds up", wrong, f"paid {evidence.takings / 100:.2f}, sold {earned / 100:.2f}")


def cancelled_from(messages: Iterable[pb.LogEntry], order_id: str) -> str:
    """The state in which an order was when it was cancelled."""
    entries = (entry for entry in messages if entry.subject == order_id and entry.source == "ordering")
    told = [entry.type for entry in sorted(entries, key=lambda entry: entry.sequence) if entry.channel == "events"]
    state = "pending"
    states = {"OrderApproved": "approved", "OrderReadied": "ready", "OrderPaid": "paid", "OrderCompleted": "completed"}
    for type in told:
        name = type.partition(".")[2]
        if name == "OrderCancelled":
            return state
        state = states.get(name, state)
    return ""


def _invariant(name: str, wrong: Sequence[str], checked: str) -> Invariant:
    if not wrong:
        return Invariant(name, True, checked)
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Invariant(name, False, "; ".join(wrong[:SHOWN]) + more)
