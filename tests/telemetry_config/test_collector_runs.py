import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.telemetry_config.running_collector import Running, running_collector

DEADLINE = 60.0
PLAIN = 60


def span(name: str, *, seconds: float = 0.01, failed: bool = False, **attributes: str | int | float) -> dict[str, Any]:
    """A trace of one span. Two underscores in an attribute's name stand for a dot."""
    ended = time.time_ns()
    return {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": 5,
        "startTimeUnixNano": str(ended - round(seconds * 1e9)),
        "endTimeUnixNano": str(ended),
        "attributes": [{"key": key.replace("__", "."), "value": _value(value)} for key, value in attributes.items()],
        "status": {"code": 2} if failed else {},
    }


def _value(value: str | int | float) -> dict[str, Any]:
    match value:
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case _:
            return {"doubleValue": value}


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds()


def names_kept(collector: Running) -> set[str]:
    return {each.name for each in collector.kept.spans}


def calls(collector: Running, name: str) -> float:
    found = re.search(
        rf'traces_span_metrics_calls_total{{[^}}]*span_name="{name}"[^}}]*}} ([\d.e+]+)', collector.measured()
    )
    return float(found[1]) if found else 0.0


def test_personal_data_is_masked_on_the_way(tmp_path: Path) -> None:
    with running_collector(tmp_path, "collector.yaml") as collector:
        planted = span(
            "planted", customer__sms_number="0049305550000", note="call +49 30 5550001 soon", order="0192f3a1"
        )

        collector.send(planted)

        assert until(lambda: "planted" in names_kept(collector))
        [arrived] = [each for each in collector.kept.spans if each.name == "planted"]
        assert arrived.attributes["customer.sms_number"] == "****"
        assert arrived.attributes["note"] == "call **** soon"
        assert arrived.attributes["order"] == "0192f3a1"


def test_spans_are_measured_with_a_way_to_their_trace(tmp_path: Path) -> None:
    with running_collector(tmp_path, "collector.yaml") as collector:
        seen = span("process ordering.OrderApproved", mallbots__outcome="applied")

        collector.send(seen)

        # The way to a trace is offered until the next figures come.
        assert until(lambda: f'trace_id="{seen["traceId"]}"' in collector.measured())
        assert until(lambda: calls(collector, seen["name"]) == 1)


def test_sampling_keeps_what_is_worth_looking_at_and_measures_all(tmp_path: Path) -> None:
    with running_collector(tmp_path, "collector.yaml", "tail-sampling.yaml") as collector:
        worth = [
            span("failed", failed=True),
            span("tried again", mallbots__attempt=2),
            span("parked", mallbots__outcome="parked"),
            span("published again", mallbots__republished=3),
            span("waited long", mallbots__stream_seconds=1.5),
            span("took long", seconds=3),
        ]

        collector.send(*worth, *(span("plain", mallbots__attempt=1) for _ in range(PLAIN)))

        assert until(lambda: {each["name"] for each in worth} <= names_kept(collector))
        assert sum(each.name == "plain" for each in collector.kept.spans) < PLAIN / 2
        assert until(lambda: calls(collector, "plain") == PLAIN)
