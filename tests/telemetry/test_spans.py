"""The own record of a span: what it keeps, when it fails, when it ends."""

import pytest
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Status, StatusCode

from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from tests.support.otlp import encoded_span, until


@pytest.fixture
def spans() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(spans: CapturedSpans) -> Tracer:
    return Tracer(spans)


def test_keeps_name_kind_and_attributes(tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("send ordering.events", kind=Kind.CLIENT, attributes={"messaging.system": "redis"})

    span.set_attributes({"messaging.batch.message_count": 3})
    span.end()

    [ended] = spans.named("send ordering.events")
    assert ended.kind is Kind.CLIENT
    assert dict(ended.attributes) == {"messaging.system": "redis", "messaging.batch.message_count": 3}


def test_the_last_value_of_an_attribute_counts(tracer: Tracer) -> None:
    span = tracer.span("x", attributes={"a": 1, "b": 2})

    span.set_attributes({"a": 3})
    span.set_attribute("b", "four")

    assert dict(span.attributes) == {"a": 3, "b": "four"}


def test_what_it_was_given_may_change_afterwards(tracer: Tracer) -> None:
    given, items = {"a": 1}, ["x"]
    span = tracer.span("x", attributes=given)
    span.set_attribute("items", items)

    given["a"] = 2
    items.append("y")

    assert dict(span.attributes) == {"a": 1, "items": ("x",)}


def test_ends_once(tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("x")

    span.end()
    ended_ns = span.ended_ns
    span.end()
    span.end(end_time=5)

    assert spans.spans == [span]
    assert span.ended_ns == ended_ns


def test_says_nothing_more_once_ended(tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("x", attributes={"a": 1})
    span.end()
    before = encoded_span(span)

    span.set_attribute("b", 2)
    span.add_event("late")
    span.update_name("y")
    span.fail(ValueError("late"))
    span.set_status(StatusCode.OK)
    span.add_link(tracer.span("other").get_span_context())

    assert not span.is_recording()
    assert encoded_span(span) == before


def test_never_ends_before_it_started(tracer: Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
    span = tracer.span("x")
    monkeypatch.setattr("time.time_ns", lambda: span.started_ns - 1_000_000)  # somebody has set the clock back

    span.end()

    assert span.ended_ns == span.started_ns


def test_times_are_those_of_the_clock(tracer: Tracer) -> None:
    first = tracer.span("first")
    until(lambda: tracer.span("later").started_ns > first.started_ns)
    first.end()

    assert first.ended_ns > first.started_ns


def test_a_failure_is_told_once(tracer: Tracer) -> None:
    span = tracer.span("x")

    span.fail(ValueError("first"))
    span.fail(KeyError("second"))
    span.end()

    told = encoded_span(span)
    assert span.attributes["error.type"] == "ValueError"
    assert (told.status.code, told.status.message) == (2, "first")


def test_an_exception_fails_and_ends_it(tracer: Tracer, spans: CapturedSpans) -> None:
    with pytest.raises(ZeroDivisionError), tracer.span("x"):
        _ = 1 / 0

    [span] = spans.spans
    assert span.status is StatusCode.ERROR
    assert span.attributes["error.type"] == "ZeroDivisionError"


def test_a_status_of_ok_is_final(tracer: Tracer) -> None:
    span = tracer.span("x")

    span.set_status(StatusCode.OK)
    span.set_status(Status(StatusCode.ERROR, "too late"))

    assert (span.status, span.status_text) == (StatusCode.OK, "")


def test_a_failure_cannot_be_unset(tracer: Tracer) -> None:
    span = tracer.span("x")

    span.set_status(StatusCode.ERROR, "bad")
    span.set_status(StatusCode.UNSET)

    assert (span.status, span.status_text) == (StatusCode.ERROR, "bad")


def test_an_exception_is_recorded_as_an_event(tracer: Tracer) -> None:
    span = tracer.span("x")

    span.record_exception(ValueError("no"), {"more": 1}, timestamp=42)
    span.end()

    [event] = encoded_span(span).events
    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in event.attributes}
    assert (event.name, event.time_unix_nano) == ("exception", 42)
    assert told["exception.type"] == "ValueError"
    assert told["exception.message"] == "no"
    assert told["more"] == 1


def test_without_a_sink_nothing_is_kept() -> None:
    span = Tracer().span("x", attributes={"a": 1})

    span.set_attribute("b", 2)
    span.add_event("heard by nobody")
    span.end()

    assert not span.is_recording()
    assert span.attributes == {}
    assert span.events is None
    assert span.context.traceparent.endswith("-03")


def test_a_failure_tells_no_secret(tracer: Tracer) -> None:
    span = tracer.span("x")

    span.fail(ValueError("cannot reach redis://mall:hunter2@redis, asked by bob@example.org"))

    assert "hunter2" not in span.status_text
    assert "bob@example.org" not in span.status_text
    assert "cannot reach" in span.status_text


@pytest.mark.parametrize("most", [None, 2])
def test_a_note_is_kept_within_the_same_limits(most: int | None) -> None:
    noted, set_ = (Tracer(CapturedSpans(), limits=SpanLimits(max_span_attributes=most)).span("x") for _ in range(2))
    told = {"a": "1", "b": 2, "c": 3.0}

    noted.note(told)
    set_.set_attributes(told)

    assert dict(noted.attributes) == dict(set_.attributes)


def test_a_note_comes_too_late_once_it_has_ended(tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("x")
    span.end()

    span.note({"a": 1})

    assert dict(span.attributes) == {}
