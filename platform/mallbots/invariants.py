"""What must be true of a run that is over, found in the logs and the APIs of the contexts, never in counters."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mallbots.operators import Operators
from mallbots.sagas import ASLEEP, key_of, sagas
from mallbots_platform import operator_pb2 as pb

FINAL_STATES = frozenset({"collected", "rejected", "cancelled"})
EARNING_STATES = frozenset({"completed", "collected"})
MONEY = {
    "payments.InvoicePaid": ("amount", 1),
    "payments.InvoiceAdjusted": ("refunded", -1),
    "payments.InvoiceRefunded": ("amount", -1),
}
CHECKED_OUT = "baskets.BasketCheckedOut"
SHOWN = 3


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """`state` as its API names it, in lower case; `total` in minor units."""

    state: str
    total: int


@dataclass(frozen=True, slots=True)
class Invariant:
    """`events`: the ids of the fewest messages that show the first violation; none while it holds, and none where
    figures differ and yet no message is wrong."""

    name: str
    holds: bool
    detail: str
    events: tuple[str, ...] = ()


class Wrong(NamedTuple):
    """A violation. `at` is when it came to be, in microseconds; `events` are the ids of the messages that show it."""

    at: int
    text: str
    events: tuple[str, ...] = ()


@dataclass(slots=True)
class Evidence:
    """What the contexts say about a run. `takings` is what customers paid and did not get back, in minor units.
    `asleep` are processes that have neither ended nor a next wake-up. Of what a restored database has `lost`,
    conversations and what they were about, nothing is expected."""

    messages: list[pb.LogEntry] = field(default_factory=list)
    deliveries: dict[str, list[pb.Delivery]] = field(default_factory=dict)
    subscriptions: list[pb.Subscription] = field(default_factory=list)
    requests: set[str] = field(default_factory=set)
    orders: Mapping[str, OrderRecord] = field(default_factory=dict)
    takings: int = 0
    lost: Collection[str] = ()
    asleep: Sequence[pb.SagaState] = ()

    @property
    def lost_orders(self) -> list[str]:
        """Orders that were in a basket, or in ordering, and are left out."""
        known = self.orders.keys() | {each.subject for each in self.messages if each.type == CHECKED_OUT}
        return sorted(known & set(self.lost))

    def without_the_lost(self) -> "Evidence":
        """What is expected to be as it should; money of lost orders is taken out of the takings."""
        if not self.lost:
            return self
        lost = set(self.lost)
        money = sum(_amount(each) for each in self.messages if each.type in MONEY and each.subject in lost)
        deliveries = {
            context: [each for each in found if lost.isdisjoint((each.correlation_id, each.subject))]
            for context, found in self.deliveries.items()
        }
        return replace(
            self,
            messages=[each for each in self.messages if lost.isdisjoint((each.correlation_id, each.subject))],
            deliveries=deliveries,
            requests=self.requests | {each.message_id for each in self.messages},
            orders={id: order for id, order in self.orders.items() if id not in lost},
            takings=self.takings - money,
            asleep=[each for each in self.asleep if key_of(each) not in lost],
        )

    @property
    def all_deliveries(self) -> list[pb.Delivery]:
        return [delivery for deliveries in self.deliveries.values() for delivery in deliveries]


async def gather_evidence(
    operators: Operators, orders: Mapping[str, OrderRecord], takings: int, lost: Collection[str] = ()
) -> Evidence:
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
        lost=frozenset(lost),
        asleep=await sagas(operators, trouble=ASLEEP),
    )


def check(evidence: Evidence) -> list[Invariant]:
    evidence = evidence.without_the_lost()
    return [
        every_order_ended(evidence),
        applied_exactly_once(evidence),
        no_cause_missing(evidence),
        order_held_per_key(evidence),
        money_adds_up(evidence),
        every_process_goes_on(evidence),
    ]


def every_order_ended(evidence: Evidence) -> Invariant:
    accepted = {entry.subject: entry for entry in evidence.messages if entry.type == CHECKED_OUT}
    last = accepted | _last_of_orders(evidence.messages)
    states = {id: evidence.orders[id].state if id in evidence.orders else "unknown" for id in accepted}
    wrong = [
        Wrong(last[id].committed_at, f"{id} is {state}", (last[id].message_id,))
        for id, state in states.items()
        if state not in FINAL_STATES
    ]
    return _invariant("every accepted order reached a final state", wrong, f"{len(accepted)} orders")


def applied_exactly_once(evidence: Evidence) -> Invariant:
    """Each message of a log that a group subscribes to was delivered to it once, and nothing else was."""
    logs: dict[tuple[str, str], list[pb.LogEntry]] = defaultdict(list)
    for entry in evidence.messages:
        logs[entry.source, entry.channel].append(entry)
    done: dict[tuple[str, str], list[pb.Delivery]] = defaultdict(list)
    other: dict[tuple[str, str], str] = {}
    for each in evidence.all_deliveries:
        if each.outcome in ("applied", "ignored"):
            done[each.group, each.message_id].append(each)
        else:
            other[each.group, each.message_id] = each.outcome
    wrong, count = [], 0
    for group, source, channel in sorted({(each.group, each.source, each.channel) for each in evidence.subscriptions}):
        for entry in logs[source, channel]:
            count += 1
            times = len(done.pop((group, entry.message_id), ()))
            if times != 1:
                became = other.get((group, entry.message_id)) or f"applied {times} times"
                text = f"{entry.type} {entry.message_id} was {became} by {group}"
                wrong.append(Wrong(entry.committed_at, text, (entry.message_id,)))
    for (group, id), deliveries in done.items():
        wrong.append(Wrong(deliveries[0].committed_at, f"{group} applied {id}, which nobody said", (id,)))
    return _invariant("every message was applied exactly once by every subscriber", wrong, f"{count} deliveries")


def no_cause_missing(evidence: Evidence) -> Invariant:
    known = {entry.message_id for entry in evidence.messages} | evidence.requests
    wrong = [
        Wrong(
            entry.committed_at,
            f"{entry.type} {entry.message_id} names {entry.causation_id or 'nothing'}",
            (entry.message_id,),
        )
        for entry in evidence.messages
        if entry.causation_id not in known
    ]
    return _invariant("no message's cause is missing", wrong, f"{len(evidence.messages)} messages")


def order_held_per_key(evidence: Evidence) -> Invariant:
    last: dict[tuple[str, str, str, str], pb.Delivery] = {}
    wrong = []
    for deliveries in evidence.deliveries.values():
        for each in sorted(deliveries, key=lambda delivery: delivery.position):
            key = (each.group, each.source, each.channel, each.subject)
            before = last.get(key)
            if before and each.sequence <= before.sequence:
                text = f"{each.group} applied {each.type} {each.sequence} of {each.subject} after {before.sequence}"
                swapped = tuple(dict.fromkeys((each.message_id, before.message_id)))
                wrong.append(Wrong(each.committed_at, text, swapped))
            else:
                last[key] = each
    return _invariant("per key the order held", wrong, f"{len(last)} keys of subscribers")


def money_adds_up(evidence: Evidence) -> Invariant:
    earned = {id: order.total for id, order in evidence.orders.items() if order.state in EARNING_STATES}
    sold, wrong = sum(earned.values()), []
    if sold != evidence.takings:
        text = f"customers paid {evidence.takings}, completed orders cost {sold}"
        wrong = [Wrong(0, text, _badly_paid(evidence.messages, earned))]
    return _invariant("money adds up", wrong, f"paid {evidence.takings / 100:.2f}, sold {sold / 100:.2f}")


def every_process_goes_on(evidence: Evidence) -> Invariant:
    """A saga has a next wake-up, or it has ended. Shown by the command that it waits for."""
    commands = {each.message_id: each for each in evidence.messages if each.channel.startswith("commands.")}
    begun = {(each.source, each.subject) for each in commands.values()}
    wrong = [
        Wrong(
            commands[each.awaiting].committed_at if each.awaiting in commands else 0,
            f"{each.id} is {each.state} at {each.step}, and nothing will wake it",
            (each.awaiting,) if each.awaiting else (),
        )
        for each in evidence.asleep
    ]
    return _invariant("every process has a next wake-up or has ended", wrong, f"{len(begun)} processes")


def _badly_paid(messages: Iterable[pb.LogEntry], earned: Mapping[str, int]) -> tuple[str, ...]:
    """What was said about the money of an order whose payments and price differ, and what became of that order."""
    money: dict[str, list[pb.LogEntry]] = defaultdict(list)
    for entry in messages:
        if entry.type in MONEY:
            money[entry.subject].append(entry)
    last = _last_of_orders(messages)
    wrong = [id for id in earned.keys() | money.keys() if sum(map(_amount, money[id])) != earned.get(id, 0)]
    shown = [[*money[id], *([last[id]] if id in last else [])] for id in wrong]
    fewest = min(filter(None, shown), key=lambda told: (len(told), told[-1].committed_at), default=[])
    return tuple(entry.message_id for entry in fewest)


def _amount(entry: pb.LogEntry) -> int:
    """What came in by it; what was given back is less than nothing."""
    field, sign = MONEY[entry.type]
    return sign * int(json.loads(entry.envelope)["data"][field])


def _last_of_orders(messages: Iterable[pb.LogEntry]) -> dict[str, pb.LogEntry]:
    """What ordering said last about each order."""
    told = (entry for entry in messages if (entry.source, entry.channel) == ("ordering", "events"))
    return {entry.subject: entry for entry in sorted(told, key=lambda entry: entry.sequence)}


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


def _invariant(name: str, wrong: Sequence[Wrong], checked: str) -> Invariant:
    """The violations are told from the first on."""
    if not wrong:
        return Invariant(name, True, checked)
    told = sorted(wrong)
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return Invariant(name, False, "; ".join(each.text for each in told[:SHOWN]) + more, told[0].events)
