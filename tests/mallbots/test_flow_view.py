import io
import time

import pytest
from rich.console import Console

from mallbots.causal_tree import Flow, build
from mallbots.flow_view import flow_lines, header, show_flow
from tests.mallbots.history import ORDER, History, one_order


def test_a_flow_reads_as_a_tree_with_its_times() -> None:
    assert shown(one_order()) == [
        "order order-1 collected · 0.01 s from click to hand-over · 3 events · 1 handling · 0 retries",
        "ms                                        outbox  stream handler  answer",
        "CheckoutBasket                 baskets        at 0.000 s     0.8",
        "└─ baskets.BasketCheckedOut                  1.5",
        "   └─ ordering                                       0.7     0.9",
        "      └─ ordering.OrderCreated               1.5",
        "HandOver                       ordering       at 0.005 s     0.8",
        "└─ ordering.OrderCollected                   1.5",
    ]


def test_a_process_reads_from_top_to_bottom() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    first = history.step("authorize-customer", "customers", created.message_id)
    history.step("create-shopping-list", "depot", first.message_id, attempt=2)

    steps = shown(history)[-2:]

    assert [" ".join(line.split()) for line in steps] == [
        "├─ order · authorize customer customers 1.5 0.7 0.9 3.0 ✓",
        "└─ order · create shopping list (attempt 2) depot 1.5 0.7 0.9 3.0 ✓",
    ]


def test_a_refusal_stands_beside_its_step() -> None:
    history = History()
    created = history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"))
    history.step("authorize-customer", "customers", created.message_id, refusal="customer is disabled")

    assert shown(history)[-1].endswith("3.0  ✗ refused: customer is disabled")


def test_who_only_took_note_is_left_out() -> None:
    history = one_order()

    assert not any("took note" in line for line in shown(history))
    noted = [line for line in shown(history, everything=True) if "took note" in line]
    assert len(noted) == 2 and all("payments" in line for line in noted)


def test_what_is_parked_says_when_it_goes_on() -> None:
    history = one_order()
    error = {"error": "the webhook timed out", "attempts": 3}
    parked = history.deliver(history.messages[2], "search", "parked", **error)
    due = int((time.time() + 100) * 1e6)

    line = next(line for line in shown(history, due={parked.message_id: due}) if "search" in line)

    assert "(parked: attempt 3, next in " in line and line.endswith(" s: the webhook timed out)")


def test_what_is_dead_says_why() -> None:
    history = one_order()
    history.deliver(history.messages[2], "search", "dead", error="no such customer", attempts=10)

    assert any(line.endswith("(dead: attempt 10: no such customer)") for line in shown(history))


def test_a_second_attempt_is_told() -> None:
    history = one_order()
    history.deliveries[0].attempts = 2

    assert any(line.endswith("0.9  after 2 attempts") for line in shown(history))


def test_a_wait_of_minutes_keeps_its_distance_from_the_figure_beside_it() -> None:
    history = one_order()
    history.deliveries[0].stream_us = 119_003_400
    history.deliveries[0].handler_us = 99_999_900

    assert any(line.endswith(" ordering                                    119003 99999.9") for line in shown(history))


@pytest.mark.parametrize("channel", ["events", "commands.depot"])
def test_what_is_not_published_yet_is_told(channel: str) -> None:
    history = History()
    history.say("ordering.OrderCreated", history.call("baskets", "CheckoutBasket"), channel=channel, published_at=0)

    assert shown(history)[-1].endswith("not published yet")


def test_a_cause_in_another_flow_names_that_flow() -> None:
    history = History()
    other = history.say("depot.BotWentOnline", "call-1", key="bot-1")
    history.say("depot.ShoppingListAssigned", other.message_id)
    tree = build(ORDER, history.messages[1:], [], [], elsewhere=history.messages[:1])

    line = next(line for line in lines_of(tree) if line.startswith("depot.BotWentOnline"))

    assert line.endswith("at 0.000 s  in flow bot-1")


def test_long_names_push_their_times_aside() -> None:
    history = one_order()
    history.messages[0].type = f"baskets.{'Very' * 12}LongEvent"

    lines = shown(history)

    assert lines[3].endswith("LongEvent               1.5")
    assert lines[2].index("at 0.000 s") < 70


def test_the_header_fits_what_is_no_order() -> None:
    history = History()
    history.say("depot.BotWentOnline", history.call("depot", "BotOnline"), key="bot-1")
    history.deliver(history.messages[0], "search", "dead")

    told = header(build("bot-1", history.messages, history.deliveries, history.requests))

    assert told.startswith("flow bot-1 · 0.00 s from click to the last event · 1 event ·")
    assert told.endswith("· 1 set aside")


def test_an_empty_flow_has_no_lines() -> None:
    assert list(flow_lines(build("nothing", [], [], []))) == []


def shown(history: History, *, everything: bool = False, due: dict[str, int] | None = None) -> list[str]:
    tree = build(ORDER, history.messages, history.deliveries, history.requests)
    for root in tree.roots:
        for message in root.effects:
            for handling in message.handlings:
                handling.due_at = (due or {}).get(message.id, 0)
    return lines_of(tree, everything=everything)


def lines_of(tree: Flow, *, everything: bool = False) -> list[str]:
    """Without the dots of a terminal: as it is written into a file."""
    written = io.StringIO()
    show_flow(tree, everything=everything, console=Console(file=written, width=200, color_system=None))
    return [line.rstrip() for line in written.getvalue().splitlines()]
