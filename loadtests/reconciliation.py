"""Every order that the mall accepted, held against what came of it, one by one; open ones are not judged here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mallbots.invariants import FINAL_STATES, SHOWN, Invariant


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order as its customer knows it. `ends_as` is empty where the customer was not done with it."""

    order_id: str
    journey: str
    ends_as: str


@dataclass(frozen=True, slots=True)
class Found:
    """An order as the mall knows it. Counts are of messages; amounts are in minor units.

    `lists` are the states of its shopping lists, `payment` that of the hold on its customer's money.
    """

    checked_out: int = 0
    created: int = 0
    state: str = "unknown"
    total: int = 0
    paid: int = 0
    refunded: int = 0
    lists: tuple[str, ...] = ()
    payment: str = "unknown"

    @property
    def kept(self) -> int:
        """Of what the customer paid."""
        return self.paid - self.refunded


Rule = Callable[[Accepted, Found], str]


def said_once(order: Accepted, found: Found) -> str:
    return "" if found.checked_out == 1 else f"was checked out {found.checked_out} times"


def created_once(order: Accepted, found: Found) -> str:
    return "" if found.created == 1 else f"was created {found.created} times"


def ended_as_meant(order: Accepted, found: Found) -> str:
    return f"is {found.state}, not {order.ends_as}" if order.ends_as not in ("", found.state) else ""


def goods_fetched_once(order: Accepted, found: Found) -> str:
    """An order may have ended before anybody wrote a list for it, or when its goods were there."""
    none, cancelled, completed = (), ("cancelled",), ("completed",)
    allowed: dict[str, set[tuple[str, ...]]] = {
        "collected": {completed},
        "rejected": {none, cancelled},
        "cancelled": {none, cancelled, completed},
    }
    if found.lists in allowed.get(found.state, {found.lists}):
        return ""
    return f"is {found.state}, its shopping lists are {', '.join(found.lists) or 'missing'}"


def paid_what_it_cost(order: Accepted, found: Found) -> str:
    if found.state not in FINAL_STATES:
        return ""
    cost = found.total if found.state == "collected" else 0
    return f"is {found.state} and costs {cost}, its customer paid {found.kept}" if found.kept != cost else ""


def hold_used_or_free(order: Accepted, found: Found) -> str:
    """What no order ever used, is let go by itself when its time has come."""
    is_free = found.payment in ("authorized", "released", "declined", "expired")
    is_used = found.payment == "confirmed"
    if found.state not in FINAL_STATES or (is_used if found.state == "collected" else is_free):
        return ""
    return f"is {found.state}, the hold on its customer's money is {found.payment}"


RULES: dict[str, Rule] = {
    "every accepted order is in the log, once": said_once,
    "every accepted order was created, once": created_once,
    "every order ended as its customer meant it to": ended_as_meant,
    "no order's goods were fetched twice, or for nothing": goods_fetched_once,
    "every customer paid what the goods cost, and nothing else": paid_what_it_cost,
    "no order that ended keeps a hold on money, none was collected without": hold_used_or_free,
}


def reconcile(accepted: Iterable[Accepted], found: Mapping[str, Found]) -> list[Invariant]:
    orders = list(accepted)
    return [_result(name, orders, list(_broken(rule, orders, found))) for name, rule in RULES.items()]


def nobody_elses(accepted: Iterable[Accepted], found: Mapping[str, Found]) -> Invariant:
    """In a mall of our own: whatever it accepted, it has told its customer so."""
    known = {order.order_id for order in accepted}
    wrong = [f"{id} is {each.state}" for id, each in sorted(found.items()) if id not in known]
    return _result("no order that its customer was not told of", list(found), wrong)


def _broken(rule: Rule, orders: Iterable[Accepted], found: Mapping[str, Found]) -> Iterator[str]:
    for order in orders:
        if wrong := rule(order, found.get(order.order_id, Found())):
            yield f"{order.order_id} ({order.journey}) {wrong}"


def _result(name: str, checked: list[Accepted] | list[str], wrong: list[str]) -> Invariant:
    if not wrong:
        return Invariant(name, True, f"{len(checked)} orders")
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Invariant(name, False, "; ".join(wrong[:SHOWN]) + more)
