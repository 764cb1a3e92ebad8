from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mallbots.chaos import Felt
from mallbots.day import Visited
from mallbots.demo_report import Report, as_json, show
from mallbots.invariants import Invariant
from mallbots.plan import Choice, Scenario, Visit
from mallbots.totals import CriticalSeconds, Totals
from tests.mallbots.history import one_order

GOOD = Invariant("money adds up", True, "paid 1.00, sold 1.00")
BAD = Invariant("money adds up", False, "customers paid 1, completed orders cost 2")


def test_a_run_that_went_as_planned_is_good() -> None:
    told = report()

    assert told.is_good
    assert told.complaint == ""
    assert (told.placed, told.seconds) == (2, 4.0)


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"visited": [("plain", "cancelled", "")]}, "1 visit not as planned"),
        ({"visited": [("plain", "collected", "the shop had burnt down")]}, "1 visit not as planned"),
        ({"invariants": [GOOD, BAD, BAD]}, "2 invariants broken"),
        ({"totals": Totals(parked=2, dead=1)}, "3 messages set aside"),
        ({"left_over": "2 processes are running"}, "it did not come to rest"),
    ],
)
def test_what_went_wrong_is_told(changes: dict[str, Any], complaint: str) -> None:
    told = report(**changes)

    assert not told.is_good
    assert told.complaint == complaint


def test_an_order_with_something_missing_is_worth_a_look() -> None:
    visited = [
        ("plain", "collected", ""),
        ("some goods missing", "collected", ""),
        ("payment declined", "rejected", ""),
    ]

    assert report(visited=visited).flow == "order-1"
    assert report(visited=visited[:1]).flow == "order-0"
    assert report(visited=[("payment declined", "rejected", "")]).flow == "order-0"


def test_a_forgotten_basket_is_no_order() -> None:
    told = report(visited=[("plain", "collected", ""), ("basket forgotten", "abandoned", "")])

    assert told.placed == 1
    assert told.is_good


def test_json_has_every_figure() -> None:
    told = as_json(report(states={"collected": 1, "rejected": 1, "weird": 3}))

    assert told["orders"] == {"placed": 2, "collected": 1, "cancelled": 0, "rejected": 1, "weird": 3}
    assert told["events"] == {
        "published": 40,
        "applied": 20,
        "duplicates": 0,
        "parked": 0,
        "dead": 0,
        "republished": 0,
    }
    assert told["invariants"] == [{"name": GOOD.name, "holds": True, "detail": GOOD.detail, "events": ()}]
    assert told["critical_seconds"] == {"p50": 0.01, "p95": 0.02, "p99": 0.03}
    assert (told["seconds"], told["orders_per_second"], told["flow"]) == (4.0, 0.5, "order-0")
    assert told["scenarios"]["payment declined"] == {"visits": 1, "as_planned": 1, "ends_as": "rejected"}
    assert told["surprises"] == []


def test_surprises_say_whom_they_met() -> None:
    told = as_json(report(visited=[("plain", "cancelled", ""), ("plain", "", "no answer")], left_over="new messages"))

    assert told["surprises"] == [
        "plain: order-0 ended as cancelled",
        "no answer",
        "the run did not come to rest: new messages",
    ]


def test_a_person_gets_tables(capsys: pytest.CaptureFixture[str]) -> None:
    show(report(invariants=[GOOD, BAD], visited=[("plain", "", "no answer")]))

    text = capsys.readouterr().out
    assert "✓  money adds up  paid 1.00, sold 1.00" in text
    assert "✗  money adds up  customers paid 1" in text
    assert "✗ no answer" in text
    assert "1 order in 1.0 s, 1.0 a second · 40 messages published" in text
    assert "10.0 ms p50, 20.0 ms p95, 30.0 ms p99" in text


def test_faults_fit_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots.reporting.WIDE", 80)
    faults = [
        Felt("killed", "customers and ordering", 1012.3, 114.7, 108, 1200, 30),
        Felt("redis from an older dump", "redis", 19.7, 9.2, 0, 0, 1),
    ]

    show(report(faults=faults))

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "customers and ordering killed  1012.3 s  114.7 s       108   1200           30" in lines
    assert [line.split() for line in lines if line.startswith("redis")] == [
        ["redis", "from", "an", "older", "dump", "19.7", "s", "9.2", "s", "1"]
    ]


def test_the_messages_that_show_a_wrong_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    history = one_order()
    history.step("create shopping list", "depot", "call-1")
    swapped = replace(BAD, name="per key the order held", events=("ordering:events:1", "ordering:events:2"))
    invented = replace(BAD, name="exactly once", events=("invented", history.messages[-2].message_id))

    show(report(invariants=[GOOD, swapped, invented], messages=history.messages))

    lines = capsys.readouterr().out.splitlines()
    start = lines.index("✗ per key the order held: shown by")
    assert lines[start + 1 : start + 6] == [
        "  ordering.OrderCreated  ordering:events:1  of order-1  ordering 0-1",
        "  ordering.OrderCollected  ordering:events:2  of order-1  ordering 0-2",
        "✗ exactly once: shown by",
        "  invented, which is in no log",
        "  depot.DoSomething  order:order-1:do:create shopping list:1  of order-1  ordering.commands.depot 0-1",
    ]


def test_the_flow_to_look_at_is_the_one_that_went_wrong() -> None:
    history = one_order()
    wrong = replace(BAD, events=("ordering:events:1", "ordering:events:2"))

    assert report().flows == ["order-0"]
    assert report(invariants=[GOOD, wrong, wrong], messages=history.messages).flows == ["order-1"]
    assert report(invariants=[replace(BAD, events=("invented",))], messages=history.messages).flows == ["order-0"]
    assert report(visited=[("plain", "", "no answer")]).flows == ["order-0"]


def test_what_went_wrong_can_be_played_again() -> None:
    again = "mallbots demo --seed 7 --chaos"

    assert as_json(report(invariants=[BAD], replay=again))["replay"] == again
    assert "replay" not in as_json(report(replay=again))


def test_cancellations_are_counted_by_state() -> None:
    history = one_order()
    history.say("ordering.OrderApproved", "call-1", key="order-0")
    history.say("ordering.OrderCancelled", "call-1", key="order-0")

    told = report(visited=[("cancelled while approved", "cancelled", "")], messages=history.messages)

    assert told.cancelled_in() == {"approved": 1}


Told = tuple[str, str, str]
TWO: Sequence[Told] = [("plain", "collected", ""), ("payment declined", "rejected", "")]


def report(visited: Sequence[Told] = TWO, **changes: Any) -> Report:
    good = Report(
        visited=[visit(number, *each) for number, each in enumerate(visited)],
        states={"collected": 1, "rejected": 1},
        totals=Totals(published=40, applied=20),
        invariants=[GOOD],
        critical=CriticalSeconds(0.01, 0.02, 0.03),
        messages=[],
    )
    return replace(good, **changes)


def visit(number: int, scenario: str, ended: str, surprise: str) -> Visited:
    planned = Visit(number, Scenario(scenario), "Amina Berg", "+49 30 5550001", (Choice(0, 0, 1),))
    return Visited(planned, f"order-{number}", ended, seconds=1.0 + 3 * number, surprise=surprise)
