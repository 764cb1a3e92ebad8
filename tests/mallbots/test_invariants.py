"""Each invariant holds on an honest run, and goes red on the evidence of each crime."""

from dataclasses import replace

import pytest

from mallbots.invariants import (
    Evidence,
    Invariant,
    OrderRecord,
    applied_exactly_once,
    cancelled_from,
    check,
    every_order_ended,
    every_process_goes_on,
    money_adds_up,
    no_cause_missing,
    order_held_per_key,
)
from mallbots_platform import operator_pb2 as pb
from tests.mallbots.history import ORDER, History, one_order, paid_order


def test_an_honest_run_keeps_all_of_them() -> None:
    found = check(paid_order().evidence())

    assert [each.name for each in found if not each.holds] == []
    assert len(found) == 6
    assert [each.detail for each in found[:2]] == ["1 orders", "3 deliveries"]


def test_an_empty_run_keeps_all_of_them() -> None:
    assert all(each.holds and each.events == () for each in check(Evidence()))


@pytest.mark.parametrize("state", ["pending", "approved", "ready", "paid", "completed"])
def test_an_order_that_did_not_end_is_found(state: str) -> None:
    evidence = one_order().evidence(orders={ORDER: OrderRecord(state, 2590)})

    found = every_order_ended(evidence)

    assert broken(found) == f"{ORDER} is {state}"
    assert shown(found) == ["ordering.OrderCollected"]


def test_an_order_that_never_came_to_be_is_found() -> None:
    history = History()
    history.say("baskets.BasketCheckedOut", history.call("baskets", "CheckoutBasket"))

    found = every_order_ended(history.evidence(orders={}))

    assert broken(found) == f"{ORDER} is unknown"
    assert shown(found) == ["baskets.BasketCheckedOut"]


def test_a_lost_message_is_found() -> None:
    history = one_order()
    lost = history.deliveries.pop(0)

    found = applied_exactly_once(history.evidence())

    assert broken(found) == f"{lost.type} {lost.message_id} was applied 0 times by ordering"
    assert found.events == (lost.message_id,)


def test_a_doubled_message_is_found() -> None:
    history = one_order()
    history.deliver(history.messages[0], "ordering")

    found = applied_exactly_once(history.evidence())

    assert "applied 2 times by ordering" in broken(found)
    assert shown(found) == ["baskets.BasketCheckedOut"]


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

    found = applied_exactly_once(history.evidence())

    assert broken(found) == "ordering applied invented, which nobody said"
    assert found.events == ("invented",)


def test_a_subscriber_that_heard_nothing_is_found() -> None:
    history = one_order()
    deaf = pb.Subscription(group="search", source="ordering", channel="events")

    told = broken(applied_exactly_once(history.evidence(subscriptions=[deaf])))

    assert "applied 0 times by search" in told


@pytest.mark.parametrize("cause", ["", "nobody-knows", "order-1"])
def test_a_missing_cause_is_found(cause: str) -> None:
    history = one_order()
    history.messages[1].causation_id = cause

    found = no_cause_missing(history.evidence())

    assert broken(found).endswith(f"names {cause or 'nothing'}")
    assert shown(found) == ["ordering.OrderCreated"]


def test_a_forgotten_call_is_a_missing_cause() -> None:
    history = one_order()
    history.requests.pop()

    assert "OrderCollected" in broken(no_cause_missing(history.evidence()))


def test_two_swapped_messages_are_found() -> None:
    history = one_order()
    history.deliveries[1].position, history.deliveries[2].position = 3, 2

    found = order_held_per_key(history.evidence())

    assert "payments applied ordering.OrderCreated 1 of order-1 after 2" in broken(found)
    assert shown(found) == ["ordering.OrderCreated", "ordering.OrderCollected"]


def test_a_message_applied_again_is_out_of_order() -> None:
    history = one_order()
    history.deliver(history.messages[0], "ordering")

    found = order_held_per_key(history.evidence())

    assert "BasketCheckedOut 1 of order-1 after 1" in broken(found)
    assert shown(found) == ["baskets.BasketCheckedOut"]


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
def test_takings_that_no_order_explains_are_found(takings: int) -> None:
    found = money_adds_up(paid_order().evidence(takings=takings))

    assert broken(found) == f"customers paid {takings}, completed orders cost 2590"
    assert found.events == ()


def test_the_payments_of_the_order_that_is_badly_paid_are_shown() -> None:
    history = paid_order()
    history.say("payments.InvoicePaid", "call-1", key="order-2", data={"amount": 700})
    history.say("payments.InvoiceAdjusted", "call-1", key="order-2", data={"amount": 500, "refunded": 200})
    history.say("ordering.OrderCancelled", "call-1", key="order-2")
    history.say("payments.InvoiceRefunded", "call-1", key="order-2", data={"amount": 499})
    orders = {ORDER: OrderRecord("collected", 2590), "order-2": OrderRecord("cancelled", 500)}

    found = money_adds_up(history.evidence(orders=orders, takings=2591))

    assert broken(found) == "customers paid 2591, completed orders cost 2590"
    assert found.events == ("payments:events:2", "payments:events:3", "payments:events:4", "ordering:events:3")


def test_of_two_badly_paid_orders_the_shorter_story_is_shown() -> None:
    history = paid_order()
    history.say("ordering.OrderCollected", "call-1", key="order-2")
    orders = {ORDER: OrderRecord("collected", 2580), "order-2": OrderRecord("collected", 20)}

    assert money_adds_up(history.evidence(orders=orders)).events == ("ordering:events:3",)


@pytest.mark.parametrize("state", ["cancelled", "rejected"])
def test_who_got_nothing_pays_nothing(state: str) -> None:
    history = paid_order()
    paid, orders = history.messages.pop(), {ORDER: OrderRecord(state, 2590)}

    assert money_adds_up(history.evidence(orders=orders, takings=0)).holds
    history.messages.append(paid)
    found = money_adds_up(history.evidence(orders=orders))
    assert not found.holds
    assert shown(found) == ["payments.InvoicePaid", "ordering.OrderCollected"]


def test_a_long_list_of_wrongs_is_cut() -> None:
    history = History()
    for number in range(10):
        history.say("baskets.BasketStarted", "nobody", key=f"basket-{number}")

    found = no_cause_missing(history.evidence())

    assert broken(found).count("names nobody") == 3
    assert found.detail.endswith("and 7 more")
    assert found.events == ("baskets:events:1",)


def test_the_first_of_many_wrongs_is_shown() -> None:
    history = one_order()
    history.messages[0].causation_id = history.messages[1].causation_id = "nobody"
    history.messages.reverse()

    assert shown(no_cause_missing(history.evidence())) == ["baskets.BasketCheckedOut"]


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


def shown(invariant: Invariant) -> list[str]:
    """The types of the messages that show what is wrong, in a history in which nothing was invented."""
    types = {entry.message_id: entry.type for entry in paid_order().messages}
    return [types[id] for id in invariant.events]


def test_a_process_that_nothing_will_wake_is_found() -> None:
    history = one_order()
    history.step("authorize customer", "customers", history.messages[0].message_id)
    [command] = [each for each in history.messages if each.channel == "commands.customers"]
    asleep = pb.SagaState(saga="order", id=f"order:{ORDER}", state="running", step="authorize customer")
    asleep.awaiting = command.message_id

    found = every_process_goes_on(replace(history.evidence(), asleep=[asleep]))

    assert broken(found) == f"order:{ORDER} is running at authorize customer, and nothing will wake it"
    assert found.events == (command.message_id,)


def test_a_process_of_which_a_part_is_lost_is_left_out() -> None:
    asleep = [pb.SagaState(saga="order", id=f"order:{ORDER}", state="running")]

    assert all(each.holds for each in check(Evidence(asleep=asleep, lost={ORDER})))
    assert [each.name for each in check(Evidence(asleep=asleep)) if not each.holds] == [
        "every process has a next wake-up or has ended"
    ]
