"""What a receiver reads is what OpenTelemetry's own encoder would have sent, whatever a span was told."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from telemetry.otlp import partial_success
from telemetry.redaction import redact_all, redact_text
from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.trace_context import TraceContext
from telemetry.tracing import Tracer
from tests.support.otlp import (
    PARENT,
    TRACE,
    TRACEPARENT,
    encoded,
    encoded_span,
    same_bytes,
    told_by_sdk,
    told_by_us,
)

LONE = "\ud800"  # half a character, which UTF-8 cannot say
ODD = "a b\n\0é€😀" + LONE
texts = st.text(ODD, max_size=6)
integers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**63 - 1, -(2**63), 0, 127, 128, -1])
scalars = st.none() | st.booleans() | integers | st.floats() | texts | st.binary(max_size=4)
values = st.recursive(
    scalars | st.just(object()) | st.builds(complex),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(texts, inner),
    max_leaves=6,
)
keys: st.SearchStrategy[Any] = texts | st.integers(0, 3) | st.none()
attributes = st.dictionaries(keys, values, max_size=5)
times = st.integers(0, 2**64 - 1)
limits = st.builds(
    SpanLimits,
    max_span_attributes=st.none() | st.integers(0, 4),
    max_event_attributes=st.none() | st.integers(0, 4),
    max_link_attributes=st.none() | st.integers(0, 4),
    max_events=st.none() | st.integers(0, 2),
    max_links=st.none() | st.integers(0, 2),
    max_attribute_length=st.none() | st.integers(0, 3),
    max_span_attribute_length=st.none() | st.integers(0, 3),
)
contexts = st.builds(
    SpanContext,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.integers(0, 3).map(TraceFlags),
    st.sampled_from([None, TraceState([("vendor", "1")])]),
)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """The SDK logs every odd value that it meets."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def sayable(value: Any) -> Any:
    """As we say the texts that protobuf cannot, and the SDK therefore leaves out."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {sayable(key): sayable(inner) for key, inner in value.items()}
    return [sayable(inner) for inner in value] if isinstance(value, list | tuple) else value


@settings(max_examples=60)
@given(st.data(), limits)
def test_any_span_is_told_as_the_sdk_would(data: st.DataObject, limits: SpanLimits) -> None:
    name, kind, started, ended = data.draw(st.tuples(texts, st.sampled_from(SpanKind), times, times))
    first, later = data.draw(st.tuples(attributes, attributes))
    events = data.draw(st.lists(st.tuples(texts, attributes, times), max_size=3))
    links = data.draw(st.lists(st.tuples(contexts, attributes), max_size=3))
    status = data.draw(st.none() | texts)

    def story(tracer: trace.Tracer, said: Any = lambda told: told) -> None:
        made = [Link(context, said(told)) for context, told in links[:2]]
        span = tracer.start_span(said(name), kind=kind, attributes=said(first), links=made, start_time=started)
        span.set_attributes(said(later))
        for event, told, at in events:
            span.add_event(said(event), said(told), at)
        for context, told in links[2:]:
            span.add_link(context, said(told))
        if status is not None:
            span.set_status(StatusCode.ERROR, said(status))
        span.end(ended)

    def as_we_say(told: Any) -> Any:
        return sayable(redact_all(told) if isinstance(told, dict) else redact_text(told))

    ours = told_by_us(story, limits)

    assert same_bytes(encoded(ours), told_by_sdk(lambda tracer: story(tracer, as_we_say), ours, limits))


@settings(max_examples=100)
@given(
    st.dictionaries(texts, st.booleans() | st.integers(-9, 9) | st.floats() | texts | st.lists(texts), max_size=4),
    st.lists(st.dictionaries(texts, texts, max_size=3), max_size=3),
    limits,
)
def test_the_platforms_spans_are_told_alike(first: Any, later: list[Any], limits: SpanLimits) -> None:
    span = Tracer(CapturedSpans(), limits=limits).span("x", kind=Kind.CONSUMER, attributes=first)
    for told in later:
        span.set_attributes(told)
    span.end()

    def story(tracer: trace.Tracer) -> None:
        said = tracer.start_span("x", kind=SpanKind.CONSUMER, attributes=sayable(first), start_time=span.started_ns)
        for told in later:
            said.set_attributes(sayable(told))
        said.end(span.ended_ns)

    [theirs] = told_by_sdk(story, [span], limits).resource_spans[0].scope_spans[0].spans
    assert encoded_span(span).SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


@pytest.mark.parametrize("sizes", [range(0, 260), range(16_360, 16_400)], ids=["short", "long"])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_texts_of_any_size_are_told_alike(letter: str, sizes: range) -> None:
    told = {f"key {size}": letter * size for size in sizes}
    unlimited = SpanLimits(max_span_attributes=SpanLimits.UNSET)
    span = Tracer(CapturedSpans(), limits=unlimited).span("x" * sizes[-1], attributes=told)
    span.end()

    def story(tracer: trace.Tracer) -> None:
        tracer.start_span("x" * sizes[-1], attributes=told, start_time=span.started_ns).end(span.ended_ns)

    [theirs] = told_by_sdk(story, [span], unlimited).resource_spans[0].scope_spans[0].spans
    assert encoded_span(span) == theirs


def test_children_exceptions_and_statuses_are_told_alike() -> None:
    def story(tracer: trace.Tracer) -> None:
        parent = trace.NonRecordingSpan(SpanContext(int(TRACE, 16), int(PARENT, 16), True, TraceFlags(3)))
        root = tracer.start_span("root", trace.set_span_in_context(parent), SpanKind.SERVER, start_time=1)
        with trace.use_span(root):
            child = tracer.start_span("child", kind=SpanKind.CLIENT, start_time=2)
            child.set_status(StatusCode.OK)
            child.end(3)
            grandchild = tracer.start_span("unrelated", trace.set_span_in_context(trace.INVALID_SPAN), start_time=4)
            grandchild.set_status(StatusCode.UNSET, "unheard")
            grandchild.end(5)
        root.record_exception(KeyError("k"), {"retried": False}, timestamp=6)
        root.set_status(StatusCode.ERROR, "in the end")
        root.update_name("renamed")
        root.end(7)

    ours = told_by_us(story)

    assert [span.name for span in ours] == ["child", "unrelated", "renamed"]
    assert encoded(ours) == told_by_sdk(story, ours)


def test_what_protobuf_cannot_say_becomes_text() -> None:
    told = {"huge": 2**64, "negative": -(2**63) - 1, "half": f"a{LONE}b", f"key{LONE}": 1}

    span = Tracer(CapturedSpans()).span(f"name{LONE}", attributes=told)
    span.end()

    read = encoded_span(span)
    assert read.name == "name?"
    assert {pair.key: pair.value.string_value or pair.value.int_value for pair in read.attributes} == {
        "huge": "18446744073709551616",
        "negative": "-9223372036854775809",
        "half": "a?b",
        "key?": 1,
    }


def test_its_parent_is_told_as_remote() -> None:
    tracer = Tracer(CapturedSpans())

    child, root = tracer.span("child", parent=TraceContext(TRACEPARENT)), tracer.span("root", new_trace=True)
    child.end()
    root.end()

    assert (encoded_span(child).flags, encoded_span(root).flags) == (0x300, 0x100)
    assert encoded_span(child).parent_span_id.hex() == PARENT
    assert encoded_span(root).parent_span_id == b""


def test_tracestate_is_told_as_it_came() -> None:
    span = Tracer(CapturedSpans()).span("x", parent=TraceContext(TRACEPARENT, "vendor=1 ,other=a:b"))
    span.end()

    assert encoded_span(span).trace_state == "vendor=1 ,other=a:b"


@pytest.mark.parametrize("nowhere", ["", "00-abc", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
def test_a_link_that_leads_nowhere_is_left_out(nowhere: str) -> None:
    span = Tracer(CapturedSpans()).span("x", links=[TraceContext(nowhere), TraceContext(TRACEPARENT)])
    span.end()

    [link] = encoded_span(span).links
    assert (link.trace_id.hex(), link.span_id.hex(), link.flags) == (TRACE, PARENT, 0x300)


def test_spans_of_one_scope_stand_together() -> None:
    def story(tracer: trace.Tracer) -> None:
        tracer.start_span("one", start_time=1).end(2)
        tracer.start_span("two", start_time=3).end(4)

    platform = Tracer(CapturedSpans()).span("three")
    platform.end()
    request = encoded([*told_by_us(story), platform])

    [told] = request.resource_spans
    named = {each.scope.name: [span.name for span in each.spans] for each in told.scope_spans}
    assert named == {"library": ["one", "two"], "mallbots": ["three"]}
    assert told.schema_url == "https://example.org/schema"
    assert told.scope_spans[0].schema_url == "https://example.org/library"


@given(st.integers(0, 2**63 - 1), st.text("é ab", max_size=9))
def test_reads_what_a_receiver_rejects(rejected: int, reason: str) -> None:
    said = ExportTracePartialSuccess(rejected_spans=rejected, error_message=reason)

    read = partial_success(ExportTraceServiceResponse(partial_success=said).SerializeToString())

    assert read == (rejected, reason)


@given(st.binary(max_size=30))
def test_an_answer_of_nonsense_is_no_trouble(response: bytes) -> None:
    rejected, reason = partial_success(response)

    assert isinstance(rejected, int)
    assert isinstance(reason, str)
