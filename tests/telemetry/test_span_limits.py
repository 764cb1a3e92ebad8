"""The limits that OpenTelemetry's variables set: ours are those of the SDK, to the last counter."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.trace_context import TraceContext
from telemetry.tracing import MOST_LINKS, Tracer, span_limits
from tests.support.otlp import encoded, encoded_span, told_by_sdk, told_by_us

VARIABLES = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
)


def link(number: int) -> SpanContext:
    return SpanContext(number, number, is_remote=number % 2 == 0, trace_flags=TraceFlags(1))


def talkative(tracer: trace.Tracer) -> None:
    """Four of everything, and long texts."""
    told: dict[str, Any] = {"one": "a" * 9, "two": ["b" * 9, 2], "three": 3, "four": {"deep": "c" * 9}}
    links = [trace.Link(link(number), told) for number in (1, 2)]
    span = tracer.start_span("x", attributes=told, links=links, start_time=1)
    span.set_attribute("one", "again")
    span.set_attributes({"five": 5.0, "two": "d" * 9})
    for number in range(4):
        span.add_event(f"event {number}", told, timestamp=number + 1)
    for number in (3, 4):
        span.add_link(link(number), told)
    span.end(9)


@pytest.mark.parametrize("limit", ["0", "1", "2", "3", "100"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_each_limit_is_that_of_the_sdk(variable: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, limit)

    ours = told_by_us(talkative)

    assert encoded(ours) == told_by_sdk(talkative, ours)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_limit_makes_a_difference(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = encoded_span(told_by_us(talkative)[0]).SerializeToString()
    monkeypatch.setenv(variable, "1")

    [span] = told_by_us(talkative)

    assert len(encoded_span(span).SerializeToString()) < len(unlimited)


def test_the_limit_holds_for_the_platforms_own_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "2")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")

    span = Tracer(CapturedSpans()).span("x", attributes={"a": "long text", "b": 2})
    span.set_attributes({"c": 3, "a": "other text"})
    span.end()

    told = encoded_span(span)
    assert [pair.key for pair in told.attributes] == ["c", "a"]
    assert told.attributes[1].value.string_value == "othe"
    assert told.dropped_attributes_count == 2


def test_a_batch_may_link_to_all_its_messages() -> None:
    messages = [TraceContext(f"00-{number:032x}-{number:016x}-03") for number in range(1, 2001)]

    span = Tracer(CapturedSpans()).span("receive ordering.events", kind=Kind.CLIENT, links=messages)
    span.end()

    told = encoded_span(span)
    assert len(told.links) == 2000
    assert told.links[-1].span_id == (2000).to_bytes(8, "big")
    assert told.dropped_links_count == 0


def test_too_many_links_keep_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "3")
    messages = [TraceContext(f"00-{number:032x}-{number:016x}-03") for number in range(1, 11)]

    span = Tracer(CapturedSpans()).span("receive ordering.events", links=messages)
    span.end()

    told = encoded_span(span)
    assert [int.from_bytes(each.span_id, "big") for each in told.links] == [8, 9, 10]
    assert told.dropped_links_count == 7


def test_the_limit_of_links_is_bounded_anyway() -> None:
    assert span_limits().max_links == MOST_LINKS


def test_a_wrong_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")

    with pytest.raises(ValueError, match="OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"):
        Tracer(CapturedSpans())
