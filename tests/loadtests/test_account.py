from typing import Any

from loadtests.account import invariants_of
from loadtests.reconciliation import Found
from mallbots.invariants import Evidence, OrderRecord
from mallbots_platform import operator_pb2 as pb


def checked_out(order_id: str) -> pb.LogEntry:
    return pb.LogEntry(
        type="baskets.BasketCheckedOut", subject=order_id, message_id=f"m-{order_id}", causation_id="click",
        source="baskets", channel="events", sequence=1,
    )  # fmt: skip


def evidence(**changes: Any) -> Evidence:
    """Two orders: one collected and paid, one still on its way, and paid as well."""
    return Evidence(
        messages=[checked_out("order-1"), checked_out("order-2")],
        requests={"click"},
        orders={"order-1": OrderRecord("collected", 500), "order-2": OrderRecord("paid", 300)},
        takings=800,
        **changes,
    )


def broken(spared: set[str]) -> list[str]:
    found = {"order-1": Found(paid=500), "order-2": Found(paid=300)}
    return [each.name for each in invariants_of(evidence(), found, spared) if not each.holds]


def test_an_open_order_breaks_the_invariants() -> None:
    assert broken(set()) == ["every accepted order reached a final state", "money adds up"]


def test_an_order_may_be_spared() -> None:
    assert broken({"order-2"}) == []


def test_who_is_spared_is_no_excuse_for_others() -> None:
    assert broken({"order-1"}) == ["every accepted order reached a final state", "money adds up"]


def test_what_is_not_there_can_be_spared() -> None:
    assert broken({"order-2", "basket-3", ""}) == []
