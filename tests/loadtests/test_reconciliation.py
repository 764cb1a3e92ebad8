from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from loadtests.reconciliation import RULES, Accepted, Found, nobody_elses, reconcile
from mallbots.invariants import Invariant

ORDER = Accepted("order-1", "pays when ready", "collected")
COLLECTED = Found(
    checked_out=1, created=1, state="collected", total=500, paid=700, refunded=200, lists=("completed",),
    payment="confirmed",
)  # fmt: skip
CANCELLED = replace(COLLECTED, state="cancelled", refunded=700, payment="released")
REJECTED = Found(checked_out=1, created=1, state="rejected", total=500, lists=("cancelled",), payment="declined")

LOST, DOUBLED, OTHERWISE, FETCHED, PAID, HELD = RULES


def broken(found: Found, order: Accepted = ORDER) -> set[str]:
    return {each.name for each in reconcile([order], {order.order_id: found}) if not each.holds}


@mark.parametrize(
    ("found", "ends_as"),
    [
        (COLLECTED, "collected"),
        (CANCELLED, "cancelled"),
        (replace(CANCELLED, lists=("cancelled",), paid=0, refunded=0), "cancelled"),
        (replace(CANCELLED, lists=(), paid=0, refunded=0, payment="authorized"), "cancelled"),
        (REJECTED, "rejected"),
    ],
)
def test_an_order_with_all_its_effects_is_fine(found: Found, ends_as: str) -> None:
    assert broken(found, replace(ORDER, ends_as=ends_as)) == set()


@mark.parametrize(
    ("found", "rule"),
    [
        (replace(COLLECTED, checked_out=0), LOST),
        (replace(COLLECTED, checked_out=2), LOST),
        (replace(COLLECTED, created=0), DOUBLED),
        (replace(COLLECTED, created=2), DOUBLED),
        (CANCELLED, OTHERWISE),
        (replace(COLLECTED, state="ready"), OTHERWISE),
        (replace(COLLECTED, lists=()), FETCHED),
        (replace(COLLECTED, lists=("completed", "completed")), FETCHED),
        (replace(COLLECTED, lists=("shopping",)), FETCHED),
        (replace(COLLECTED, refunded=0), PAID),
        (replace(COLLECTED, paid=0, refunded=0), PAID),
        (replace(COLLECTED, payment="released"), HELD),
    ],
)
def test_a_wrong_effect_is_found(found: Found, rule: str) -> None:
    assert broken(found) == {rule}


@mark.parametrize(
    ("found", "rule"),
    [
        (replace(CANCELLED, refunded=0), PAID),
        (replace(CANCELLED, lists=("assigned",)), FETCHED),
        (replace(CANCELLED, payment="confirmed"), HELD),
    ],
)
def test_a_cancelled_order_leaves_nothing_behind(found: Found, rule: str) -> None:
    assert broken(found, replace(ORDER, ends_as="cancelled")) == {rule}


def test_a_rejected_order_has_no_goods() -> None:
    assert broken(replace(REJECTED, lists=("completed",)), replace(ORDER, ends_as="rejected")) == {FETCHED}


def test_an_order_nobody_knows_is_lost() -> None:
    results = {each.name: each for each in reconcile([ORDER], {})}

    assert results[LOST] == Invariant(LOST, False, "order-1 (pays when ready) was checked out 0 times")
    assert not results[DOUBLED].holds


def test_an_order_still_open_is_only_looked_for() -> None:
    shopping = replace(COLLECTED, state="paid", lists=("shopping",), paid=500, refunded=0)

    assert broken(shopping, replace(ORDER, ends_as="")) == set()


def test_only_the_first_few_are_told() -> None:
    orders = [replace(ORDER, order_id=f"order-{number}") for number in range(9)]

    lost = reconcile(orders, {})[0]

    assert lost.detail.count("was checked out") == 3
    assert lost.detail.endswith("and 6 more")


def test_an_order_its_customer_never_heard_of() -> None:
    found = {"order-1": COLLECTED, "order-2": REJECTED}

    assert nobody_elses([ORDER], {"order-1": COLLECTED}).holds
    assert nobody_elses([ORDER], found).detail == "order-2 is rejected"


@given(checked_out=st.integers(0, 5), created=st.integers(0, 5))
def test_nothing_is_fine_but_once(checked_out: int, created: int) -> None:
    found = replace(COLLECTED, checked_out=checked_out, created=created)

    assert (not broken(found)) == (checked_out == created == 1)
