from typing import Any

import pytest

from mallbots.causal_tree import Flow, Message, build, state_after, step_name
from mallbots_platform import operator_pb2 as pb
from tests.mallbots.history import ORDER, History, one_order


def test_a_call_is_where_a_flow_begins() -> None:
    history = one_order()

    tree = built(history)

    assert [(root.kind, root.name, root.context) for root in tree.roots] == [
        ("call", "CheckoutBasket", "baskets"),
        ("call", "HandOver", "ordering"),
    ]
    assert [message.type for message in tree.roots[0].effects] == ["baskets.BasketCheckedOut"]


def test_an_effect_stands_below_the_handler_that_made_it() -> None:
    tree = built(one_order())

    (checked_out,) = tree.roots[0].effects
    (handling,) = checked_out.handlings
    assert handling.group == "ordering"
    assert [effect.type for effect in handling.effects] == ["ordering.OrderCreated"]
    assert checked_out.effects == []


def test_what_came_of_a_message_nobody_is_known_to_have_handled() -> None:
    history = History()
    told = history.say("baskets.BasketCheckedOut", history.call("baskets", "CheckoutBasket"))
    history.say("ordering.OrderCreated", told.message_id)

    (message,) = built(history).roots[0].effects

    assert message.outbox_us is None
    assert [effect.type for effect in message.effects] == ["ordering.OrderCreated"]


def test_a_step_and_its_reply_are_one() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    first = history.step("authorize-customer", "customers", created.message_id)
    history.step("create-shopping-list", "depot", first.message_id)

    (order,) = built(history).roots[0].effects

    assert [step_name(effect.id) for effect in order.effects] == [
        "order · authorize customer",
        "order · create shopping list",
    ]
    assert [effect.answer for effect in order.effects] == ["done", "done"]
    assert all(effect.answer_us and effect.answer_us > 0 for effect in order.effects)


def test_what_a_participant_did_stands_below_its_step() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    reply = history.step("create-shopping-list", "depot", created.message_id)
    history.say("depot.ShoppingListCreated", reply.causation_id)

    (step,) = built(history).roots[0].effects[0].effects

    assert [effect.type for effect in step.handlings[0].effects] == ["depot.ShoppingListCreated"]


def test_a_refused_step_says_why() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    history.step("authorize-customer", "customers", created.message_id, refusal="customer is disabled")

    (step,) = built(history).roots[0].effects[0].effects

    assert step.answer == "refused: customer is disabled"


def test_a_step_without_an_answer_has_none() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    reply = history.step("authorize-customer", "customers", created.message_id)
    history.messages.remove(reply)

    (step,) = built(history).roots[0].effects[0].effects

    assert (step.answer, step.answer_us) == ("", None)


@pytest.mark.parametrize(
    "id, name",
    [
        ("order:o-1:do:authorize-customer:1", "order · authorize customer"),
        ("order:o-1:do:confirm-payment:3", "order · confirm payment (attempt 3)"),
        ("order:o-1:undo:create-shopping-list:1", "order · undo create shopping list"),
        ("order:a:b:undo:confirm-payment:2", "order · undo confirm payment (attempt 2)"),
        ("01a2", "01a2"),
    ],
)
def test_a_step_reads_as_it_was_declared(id: str, name: str) -> None:
    assert step_name(id) == name


def test_a_timer_begins_a_flow_too() -> None:
    history = History()
    history.say("baskets.BasketAbandoned", history.call("baskets", "timer baskets.BasketIsLeftAlone"))

    (root,) = built(history).roots

    assert (root.kind, root.name) == ("timer", "timer baskets.BasketIsLeftAlone")


def test_a_cause_in_another_flow_is_named() -> None:
    history = History()
    other = history.say("depot.BotWentOnline", "call-1", key="bot-1")
    history.say("depot.ShoppingListAssigned", other.message_id)

    (root,) = built(history, entries=history.messages[1:], elsewhere=history.messages[:1]).roots

    assert (root.kind, root.name, root.context, root.flow) == ("elsewhere", "depot.BotWentOnline", "depot", "bot-1")


def test_an_unknown_cause_is_shown_as_such() -> None:
    history = History()
    history.say("ordering.OrderCreated", "vanished")

    (root,) = built(history).roots

    assert (root.kind, root.name) == ("unknown", "unknown cause vanished")


def test_a_call_that_changed_nothing_is_left_out() -> None:
    history = one_order()
    history.call("ordering", "GetOrder")

    assert [root.name for root in built(history).roots] == ["CheckoutBasket", "HandOver"]


def test_what_was_asked_for_is_marked() -> None:
    history = one_order()
    wanted = history.messages[1].message_id

    assert [message.id for message in all_of(built(history, id=wanted)) if message.asked_for] == [wanted]


def test_a_message_found_twice_is_shown_once() -> None:
    history = one_order()

    tree = built(history, entries=[*history.messages, *history.messages])

    assert len(list(all_of(tree))) == len(history.messages)


def test_a_flow_is_summed_up() -> None:
    history = one_order()
    history.deliveries[0].attempts = 3
    history.deliver(history.messages[2], "search", "parked", attempts=2)

    tree = built(history)

    assert (tree.state, tree.ends_with_hand_over) == ("collected", True)
    assert (tree.events, tree.handlings, tree.retries, tree.parked) == (3, 1, 3, 1)
    begun, ended = history.requests[0].received_at, history.messages[2].committed_at
    assert tree.seconds == (ended - begun) / 1e6


def test_a_flow_that_goes_on_lasts_until_its_last_event() -> None:
    history = one_order()
    del history.messages[2]

    tree = built(history)

    assert (tree.state, tree.ends_with_hand_over) == ("pending", False)
    assert tree.seconds == (history.messages[1].committed_at - history.requests[0].received_at) / 1e6


def test_nothing_makes_an_empty_flow() -> None:
    tree = build("nothing", [], [], [])

    assert (tree.roots, tree.seconds, tree.state) == ([], 0, "")


def test_the_next_attempt_of_a_parked_message_is_told() -> None:
    history = one_order()
    delivery = history.deliver(history.messages[2], "search", "parked")
    parked = pb.Parked(group="search", message_id=delivery.message_id, due_at=77)

    handlings = [each for message in all_of(built(history, parked=[parked])) for each in message.handlings]

    assert [each.due_at for each in handlings if each.group == "search"] == [77]


@pytest.mark.parametrize(
    "types, state",
    [
        ([], ""),
        (["depot.BotWentOnline"], ""),
        (["baskets.BasketStarted"], "in the basket"),
        (["baskets.BasketStarted", "baskets.BasketAbandoned"], "abandoned"),
        (["ordering.OrderCreated", "ordering.OrderRejected", "payments.PaymentReleased"], "rejected"),
        (["ordering.OrderApproved", "ordering.OrderCancelled"], "cancelled"),
    ],
)
def test_the_state_is_that_after_the_last_event(types: list[str], state: str) -> None:
    assert state_after(types) == state


def built(history: History, *, id: str = ORDER, entries: list[pb.LogEntry] | None = None, **more: Any) -> Flow:
    return build(id, history.messages if entries is None else entries, history.deliveries, history.requests, **more)


def all_of(flow: Flow) -> list[Message]:
    def below(messages: list[Message]) -> list[Message]:
        deeper = [effect for message in messages for effect in message.effects]
        deeper += [effect for message in messages for each in message.handlings for effect in each.effects]
        return messages + (below(deeper) if deeper else [])

    return below([message for root in flow.roots for message in root.effects])
