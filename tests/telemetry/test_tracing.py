"""Where a span belongs: its trace, its parent, its links, and what it passes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context

from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.tracing import TraceContext, Tracer
from tests.support.otlp import PARENT, TRACE, TRACEPARENT, encoded_span


@pytest.fixture
def spans() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(spans: CapturedSpans) -> Tracer:
    return Tracer(spans)


def test_a_first_span_has_no_parent(tracer: Tracer) -> None:
    one, other = tracer.span("one"), tracer.span("other")

    assert one.origin.parent_id == ""
    assert one.trace_id_hex != other.trace_id_hex
    assert one.context.traceparent == f"00-{one.trace_id_hex}-{one.span_id_hex}-03"


def test_a_child_is_in_its_parents_trace(tracer: Tracer) -> None:
    child = tracer.span("process x", kind=Kind.CONSUMER, parent=TraceContext(TRACEPARENT))

    assert (child.trace_id_hex, child.origin.parent_id) == (TRACE, PARENT)
    assert child.span_id_hex != PARENT


def test_the_current_span_is_the_parent(tracer: Tracer) -> None:
    with tracer.span("outer") as outer:
        inner = tracer.span("inner")

    after = tracer.span("after")
    assert inner.origin.parent_id == outer.span_id_hex
    assert inner.trace_id_hex == outer.trace_id_hex
    assert after.origin.parent_id == ""


def test_a_given_parent_goes_before_the_current_span(tracer: Tracer) -> None:
    with tracer.span("current"):
        child = tracer.span("child", parent=TraceContext(TRACEPARENT))

    assert child.trace_id_hex == TRACE


def test_a_new_trace_forgets_the_current_span(tracer: Tracer) -> None:
    with tracer.span("current") as current:
        span = tracer.span("timer x", new_trace=True, links=[current.context])
        span.end()

    [link] = encoded_span(span).links
    assert span.origin.parent_id == ""
    assert span.trace_id_hex != current.trace_id_hex
    assert (link.trace_id.hex(), link.span_id.hex()) == (current.trace_id_hex, current.span_id_hex)


def test_used_for_a_while_without_ending(tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("handler")

    with tracer.use(span):
        inner = tracer.span("inner")

    assert inner.origin.parent_id == span.span_id_hex
    assert spans.spans == []
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize("malformed", ["", "00", "nonsense", f"00-{TRACE}-{PARENT}-3", f"ff-{TRACE}-{PARENT}-01"])
def test_a_malformed_parent_begins_a_new_trace(malformed: str, tracer: Tracer) -> None:
    span = tracer.span("x", parent=TraceContext(malformed, "vendor=1", "customer=7"))

    assert span.origin.parent_id == ""
    assert span.context == TraceContext(f"00-{span.trace_id_hex}-{span.span_id_hex}-03")


@pytest.mark.parametrize(
    ("flags", "passed_on"), [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("fd", "01"), ("fe", "02")]
)
def test_flags_are_a_bit_mask(flags: str, passed_on: str, tracer: Tracer, spans: CapturedSpans) -> None:
    span = tracer.span("x", parent=TraceContext(f"00-{TRACE}-{PARENT}-{flags}"))
    span.end()

    assert span.context.traceparent == f"00-{TRACE}-{span.span_id_hex}-{passed_on}"
    assert bool(spans.spans) == (int(flags, 16) & 1 == 1)


@given(st.text(max_size=40), st.text(max_size=40))
def test_state_and_baggage_are_never_rewritten(state: str, bag: str) -> None:
    tracer = Tracer(CapturedSpans())

    parent = tracer.span("create x", parent=TraceContext(TRACEPARENT, state, bag))
    child = tracer.span("process x", parent=parent.context)

    assert child.context == TraceContext(f"00-{TRACE}-{child.span_id_hex}-03", state, bag)


ODD_STATE, ODD_BAGGAGE = "b=2 , a=1,,c=x:y", "customer = 7 ;kind=vip, city=Z%C3%BCrich"


def test_they_pass_a_current_span_as_they_came(tracer: Tracer) -> None:
    with tracer.span("server", parent=TraceContext(TRACEPARENT, ODD_STATE, ODD_BAGGAGE)):
        inner = tracer.span("create x")

    assert inner.context[1:] == (ODD_STATE, ODD_BAGGAGE)


def test_a_handler_reads_the_baggage(tracer: Tracer) -> None:
    with tracer.span("server", parent=TraceContext(TRACEPARENT, baggage=ODD_BAGGAGE)):
        inside = dict(baggage.get_all())

    assert inside == {"customer": "7 ;kind=vip", "city": "Zürich"}
    assert baggage.get_all() == {}


def test_baggage_set_meanwhile_is_passed_on(tracer: Tracer) -> None:
    with tracer.span("server", parent=TraceContext(TRACEPARENT, baggage="customer=7")):
        token = otel_context.attach(baggage.set_baggage("order", "a b"))
        inner = tracer.span("create x")
        otel_context.detach(token)

    assert inner.context.baggage == "customer=7,order=a+b"


def test_ids_are_never_nothing(tracer: Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.getrandbits", lambda bits: 0)

    span = tracer.span("x")

    assert int(span.trace_id_hex, 16) and int(span.span_id_hex, 16)
