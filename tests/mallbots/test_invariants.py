"""Each invariant holds on an honest run, and goes red on the evidence of each crime."""

import pytest

from mallbots.invariants import (
    Evidence,
    Invariant,
    OrderRecord,
    applied_exactly_once,
    cancelled_from,
    check,
    every_order_ended,
    money_adds_up,
    no_cause_missing,
    order_held_per_key,
)
from mallbots_platform import operator_pb2 as pb
from tests.mallbots.history import ORDER, History, one_order


def test_an_honest_run_keeps_all_of_them() -> None:
    found = check(one_order().evidence())

    assert [each.name for each in found if not each.holds] == []
    assert len(found) == 5
    assert [each.detail for each in found[:2]] == ["1 orders", "3 deliveries"]


def test_an_empty_run_keeps_all_of_them() -> None:
    assert all(each.holds for each in check(Evidence()))


@pytest.mark.parametrize("state", ["pending", "approved", "ready", "paid", "completed"])
def test_an_order_that_did_not_end_is_found(state: str) -> None:
    evidence = one_order().evidence(orders={ORDER: OrderRecord(state, 2590)})

    assert broken(every_order_ended(evidence)) == f"{ORDER} is {state}"


def test_an_order_that_never_came_to_be_is_found() -> None:
    assert broken(every_order_ended(one_order().evidence(orders={}))) == f"{ORDER} is unknown"


def test_a_lost_message_is_found() -> None:
    history = one_order()
    lost = history.deliveries.pop(0)

    told = broken(applied_exactly_once(history.evidence()))

    assert told == f"{lost.type} {lost.message_id} was applied 0 times by ordering"


def test_a_doubled_message_is_found() -> None:
    history = one_order()
    history.deliver(history.messages[0], "ordering")

    assert "applied 2 times by ordering" in broken(applied_exactly_once(history.evidence()))


def test_one_that_was_ignored_and_applied_is_found() -> None:
    history = one_order()
    history.deliver(history.messages[1], "payments", "applied")

    assert "applied 2 times by payments" in broken(applied_exactly_once(history.evidence()))


@pytest.mark.parametrize("outcome", ["parked", "dead", "discarded"])
def test_a_message_that_was_set_aside_is_found(outcome: str) -> None:
    history = one_order()
    history.deliveries[0].outcome = outcome

    assert f"was {outcome} by ordering" in broken(applied_exactly_once(history.evidence()))


def test_a_message_that_nobody_said_is_found() -> None:
    history = one_order()
    invented = pb.LogEntry(message_id="invented", type="baskets.BasketCheckedOut", source="baskets", channel="events")
    history.deliver(invented, "ordering")

    assert broken(applied_exactly_once(history.evidence())) == "ordering applied invented, which nobody said"


def test_a_subscriber_that_heard_nothing_is_found() -> None:
    history = one_order()
    deaf = pb.Subscription(group="search", source="ordering", channel="events")

    told = broken(applied_exactly_once(history.evidence(subscriptions=[deaf])))

    assert "applied 0 times by search" in told


@pytest.mark.parametrize("cause", ["", "nobody-knows", "order-1"])
def test_a_missing_cause_is_found(cause: str) -> None:
    history = one_order()
    history.messages[1].causation_id = cause

    assert broken(no_cause_missing(history.evidence())).endswith(f"names {cause or 'nothing'}")


def test_a_forgotten_call_is_a_missing_cause() -> None:
    history = one_order()
    history.requests.pop()

    assert "OrderCollected" in broken(no_cause_missing(history.evidence()))


def test_two_swapped_messages_are_found() -> None:
    history = one_order()
    history.deliveries[1].position, history.deliveries[2].position = 3, 2

    assert "payments applied ordering.OrderCreated 1 of order-1 after 2" in broken(
        order_held_per_key(history.evidence())
    )


def test_a_message_applied_again_is_out_of_order() -> None:
    history = one_order()
    history.deliver(history.messages[0], "ordering")

    assert "BasketCheckedOut 1 of order-1 after 1" in broken(order_held_per_key(history.evidence()))


def test_other_keys_may_overtake() -> None:
    history = one_order()
    other = history.say("ordering.OrderCreated", "call-1", key="order-2", sequence=1)
    history.deliver(other, "payments")

    assert order_held_per_key(history.evidence()).holds


def test_other_channels_and_groups_have_orders_of_their_own() -> None:
    history = one_order()
    first = history.messages[1]
    history.deliver(first, "search")
    history.deliver(history.say("depot.Do", "call-1", source="ordering", channel="commands.depot"), "payments")

    assert order_held_per_key(history.evidence()).holds


@pytest.mark.parametrize("takings", [0, 2589, 2591, 5180])
def test_money_that_does_not_add_up_is_found(takings: int) -> None:
    told = broken(money_adds_up(one_order().evidence(takings=takings)))

    assert told == f"customers paid {takings}, completed orders cost 2590"


@pytest.mark.parametrize("state", ["cancelled", "rejected"])
def test_who_got_nothing_pays_nothing(state: str) -> None:
    orders = {ORDER: OrderRecord(state, 2590)}

    assert money_adds_up(one_order().evidence(orders=orders, takings=0)).holds
    assert not money_adds_up(one_order().evidence(orders=orders)).holds


def test_a_long_list_of_wrongs_is_cut() -> None:
    history = History()
    for number in range(10):
        history.say("baskets.BasketStarted", "nobody", key=f"basket-{number}")

    told = broken(no_cause_missing(history.evidence()))

    assert told.count("names nobody") == 3
    assert told.endswith("and 7 more")


@pytest.mark.parametrize("state", ["approved", "ready", "paid", "completed"])
def test_the_state_before_a_cancellation_is_told(state: str) -> None:
    history = one_order()
    del history.messages[2]
    history.say(f"ordering.Order{ {'ready': 'Readied'}.get(state, state.capitalize()) }", "call-1")
    history.say("ordering.OrderCancelled", "call-1")

    assert cancelled_from(history.messages, ORDER) == state


def test_an_order_that_was_not_cancelled_has_no_such_state() -> None:
    assert cancelled_from(one_order().messages, ORDER) == ""
    assert cancelled_from([], ORDER) == ""


def broken(invariant: Invariant) -> str:
    """What it found; it must not hold."""
    assert not invariant.holds
    return invariant.detail
