"""Libraries that know OpenTelemetry's interface, and nothing of ours, join the same traces."""

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags

from telemetry.spans import Kind, Span
from telemetry.testing import CapturedSpans
from telemetry.tracing import Provider, Tracer
from tests.support.otlp import PARENT, TRACE, encoded, encoded_span, told_by_us


@pytest.fixture
def spans() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(spans: CapturedSpans) -> Tracer:
    return Tracer(spans)


@pytest.fixture
def library(tracer: Tracer) -> trace.Tracer:
    return Provider(tracer).get_tracer("library")


def test_our_span_is_the_current_one(tracer: Tracer) -> None:
    with tracer.span("ours") as ours:
        current = trace.get_current_span()
        context = current.get_span_context()

    assert current is ours
    assert f"{context.trace_id:032x}" == ours.trace_id_hex
    assert f"{context.span_id:016x}" == ours.span_id_hex
    assert context.trace_flags == 3
    assert not context.is_remote


def test_a_librarys_span_joins_ours(tracer: Tracer, library: trace.Tracer, spans: CapturedSpans) -> None:
    with (
        tracer.span("ours") as ours,
        library.start_as_current_span("theirs", kind=SpanKind.CLIENT) as theirs,
        tracer.span("ours again") as again,
    ):
        pass

    [told] = spans.named("theirs")
    assert isinstance(theirs, Span)
    assert told.kind is Kind.CLIENT
    assert told.trace_id_hex == again.trace_id_hex == ours.trace_id_hex
    assert (told.origin.parent_id, again.origin.parent_id) == (ours.span_id_hex, told.span_id_hex)
    assert [span.name for span in spans.spans] == ["ours again", "theirs", "ours"]


def test_its_scope_is_named(spans: CapturedSpans, tracer: Tracer) -> None:
    named = Provider(tracer).get_tracer("http", "2.1", "https://example.org/schema", {"mode": ["fast"]})
    named.start_span("x").end()

    [scope] = encoded(spans.spans).resource_spans[0].scope_spans
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == ("http", "2.1", "https://example.org/schema")
    assert scope.scope.attributes[0].value.array_value.values[0].string_value == "fast"


def test_the_same_scope_is_the_same_tracer(tracer: Tracer) -> None:
    provider = Provider(tracer)

    assert provider.get_tracer("http", "2") is provider.get_tracer("http", "2")
    assert provider.get_tracer("http", "2") is not provider.get_tracer("http", "3")
    assert provider.get_tracer("http", "2") is not provider.get_tracer("http", "2", attributes={"mode": 1})


def test_a_parent_from_elsewhere_is_kept(library: trace.Tracer) -> None:
    parent = SpanContext(int(TRACE, 16), int(PARENT, 16), True, TraceFlags(3))
    context = baggage.set_baggage("customer", "7", trace.set_span_in_context(trace.NonRecordingSpan(parent)))

    span = library.start_span("x", context)

    assert isinstance(span, Span)
    assert (span.trace_id_hex, span.origin.parent_id, span.origin.remote) == (TRACE, PARENT, True)
    assert span.context.baggage == "customer=7"


def test_an_empty_context_begins_a_trace(tracer: Tracer, library: trace.Tracer) -> None:
    with tracer.span("ours") as ours:
        span = library.start_span("x", otel_context.Context())

    assert isinstance(span, Span)
    assert span.origin.parent_id == ""
    assert span.trace_id_hex != ours.trace_id_hex


@pytest.mark.parametrize(("recorded", "failed"), [(True, True), (True, False), (False, True), (False, False)])
def test_exceptions_are_told_as_wanted(recorded: bool, failed: bool) -> None:
    def story(tracer: trace.Tracer) -> None:
        wanted = {"record_exception": recorded, "set_status_on_exception": failed}
        with pytest.raises(ValueError), tracer.start_as_current_span("current", **wanted):  # type: ignore[arg-type]  # both are flags
            raise ValueError("no")
        with pytest.raises(ValueError), tracer.start_span("only ended", **wanted):  # type: ignore[arg-type]  # both are flags
            raise ValueError("no")

    for span in told_by_us(story):
        told = encoded_span(span)
        assert [event.name for event in told.events] == (["exception"] if recorded else [])
        assert (told.status.code, told.status.message) == ((2, "ValueError: no") if failed else (0, ""))


def test_as_a_context_manager_it_only_ends(library: trace.Tracer, spans: CapturedSpans) -> None:
    with library.start_span("x") as span:
        assert trace.get_current_span() is not span

    assert spans.spans == [span]


def test_links_and_times_are_theirs_to_say(library: trace.Tracer) -> None:
    elsewhere = SpanContext(int(TRACE, 16), int(PARENT, 16), True, TraceFlags(1))

    span = library.start_span("x", links=[Link(elsewhere, {"why": "batch"})], start_time=3)
    span.end(end_time=4)

    assert isinstance(span, Span)
    told = encoded_span(span)
    assert (told.start_time_unix_nano, told.end_time_unix_nano) == (3, 4)
    assert (told.links[0].trace_id.hex(), told.links[0].attributes[0].value.string_value) == (TRACE, "batch")


def test_what_a_library_tells_is_redacted(library: trace.Tracer) -> None:
    secrets = {"http.url": "https://mall:hunter2@shop", "user.email": "x", "note": ["write to bob@example.org"]}

    span = library.start_span("x", attributes=secrets)
    span.add_event("call", {"authorization": "Bearer hunter2", "sms_number": "0664 555"})
    span.add_link(span.get_span_context(), {"password": "hunter2"})
    span.record_exception(ValueError("token=hunter2 of +43 664 5551234"))
    span.set_status(StatusCode.ERROR, "ValueError: password: hunter2")
    span.end()

    assert isinstance(span, Span)
    text = str(encoded_span(span))
    assert "call" in text
    assert not any(secret in text for secret in ("hunter2", "bob@", "0664 555", "5551234", 'string_value: "x"'))


def test_works_without_anything_to_keep_it() -> None:
    library = Provider(Tracer()).get_tracer("library")

    with library.start_as_current_span("x") as span:
        span.set_attribute("a", 1)

    assert not span.is_recording()
    assert span.get_span_context().is_valid


def test_its_decorator_makes_a_span_per_call(library: trace.Tracer, spans: CapturedSpans) -> None:
    @library.start_as_current_span("step")
    def step(number: int) -> int:
        return number + 1

    assert [step(1), step(2)] == [2, 3]
    assert len(spans.named("step")) == 2


def test_its_limits_are_ours() -> None:
    def story(tracer: trace.Tracer) -> None:
        tracer.start_span("x", attributes={"a": 1, "b": 2}).end()

    [span] = told_by_us(story, SpanLimits(max_span_attributes=1))

    assert encoded_span(span).dropped_attributes_count == 1
