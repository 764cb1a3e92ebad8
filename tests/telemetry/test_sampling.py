"""`OTEL_TRACES_SAMPLER` means what it means to the SDK, whose samplers are asked."""

import random
from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.tracing import TraceContext, Tracer
from tests.support.otlp import PARENT, TRACE, TRACEPARENT, encoded_span

UNSAMPLED = f"00-{TRACE}-{PARENT}-02"
SAMPLERS = (
    *("always_on", "always_off", "parentbased_always_on", "parentbased_always_off"),
    *("traceidratio", "parentbased_traceidratio", "nonsense"),
)


def sampler(monkeypatch: pytest.MonkeyPatch, name: str, ratio: str = "") -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)


def some_trace_ids(count: int) -> list[str]:
    dice = random.Random(7)
    return [f"{dice.getrandbits(128):032x}" for _ in range(count)]


@pytest.mark.parametrize(("ratio", "kept"), [("0", 0), ("1", 200)])
def test_none_or_all_are_kept(ratio: str, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler(monkeypatch, "traceidratio", ratio)
    spans = CapturedSpans()
    tracer = Tracer(spans)

    for _ in range(200):
        tracer.span("x", new_trace=True).end()

    assert len(spans.spans) == kept


def test_what_nobody_keeps_is_no_exemplar(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler(monkeypatch, "parentbased_traceidratio", "0.3")
    spans, led = CapturedSpans(), set()
    for tracer in (Tracer(spans), Tracer()):  # the second is that of operators' calls, which are not traced
        for _ in range(50):
            span = tracer.span("x", new_trace=True)
            span.end()
            if span.exemplar:
                led.add(span.exemplar["trace_id"])

    assert led == {span.trace_id_hex for span in spans.spans}


def test_about_half_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler(monkeypatch, "parentbased_traceidratio", "0.5")
    random.seed(11)
    spans = CapturedSpans()
    tracer = Tracer(spans)

    for _ in range(2000):
        tracer.span("x", new_trace=True).end()

    assert 880 < len(spans.spans) < 1120
    assert {span.context.traceparent[-2:] for span in spans.spans} == {"03"}


def test_a_trace_is_kept_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler(monkeypatch, "parentbased_traceidratio", "0.5")
    random.seed(12)
    spans = CapturedSpans()
    tracer = Tracer(spans)

    for _ in range(100):
        root = tracer.span("root", new_trace=True)
        child = tracer.span("child", parent=root.context)
        tracer.span("grandchild", parent=child.context).end()
        child.end()
        root.end()

    kept = [span.trace_id_hex for span in spans.spans]
    assert 0 < len(kept) < 300
    assert all(kept.count(trace_id) == 3 for trace_id in kept)


@pytest.mark.parametrize("ratio", ["0", "0.5", "1", "", "nonsense"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_decides_as_in_the_sdk(name: str, ratio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler(monkeypatch, name, ratio)
    ours, theirs = Tracer(CapturedSpans()), TracerProvider(shutdown_on_exit=False).get_tracer("x")

    for trace_id in some_trace_ids(20):
        for flags in (0, 1, 2, 3):
            parent = SpanContext(int(trace_id, 16), 5, True, TraceFlags(flags))
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
            our_span = ours.span("x", parent=TraceContext(f"00-{trace_id}-{5:016x}-{flags:02x}"))
            their_span = theirs.start_span("x", context)

            assert our_span.flags == their_span.get_span_context().trace_flags
            assert our_span.is_recording() == their_span.is_recording()


def test_a_parent_that_is_not_sampled_is_respected() -> None:
    spans = CapturedSpans()

    child = Tracer(spans).span("x", parent=TraceContext(UNSAMPLED, "a=1", "b=2"))
    child.end()

    assert spans.spans == []
    assert child.context == TraceContext(f"00-{TRACE}-{child.span_id_hex}-02", "a=1", "b=2")


def test_what_is_not_sampled_costs_no_attributes() -> None:
    span = Tracer(CapturedSpans()).span("x", parent=TraceContext(UNSAMPLED), attributes={"a": 1}, links=[])

    span.set_attribute("b", 2)

    assert not span.is_recording()
    assert span.attributes == {}


class Picky(Sampler):
    """Keeps consumers, and says so in an attribute and in the tracestate."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        self.asked = (trace_id, name, kind, dict(attributes or {}), links or ())
        if kind is not SpanKind.CONSUMER:
            return SamplingResult(Decision.DROP)
        told = {**(attributes or {}), "sampler.why": "picky"}
        return SamplingResult(Decision.RECORD_AND_SAMPLE, told, TraceState([("picky", "1")]))

    def get_description(self) -> str:
        return "Picky"


def test_a_sampler_of_ones_own_is_asked() -> None:
    picky, parent = Picky(), TraceContext(TRACEPARENT)

    span = Tracer(CapturedSpans(), sampler=picky).span(
        "process x", kind=Kind.CONSUMER, parent=parent, links=[parent], attributes={"a": 1}
    )
    span.end()

    trace_id, name, kind, attributes, links = picky.asked
    assert (f"{trace_id:032x}", name, kind, attributes) == (TRACE, "process x", SpanKind.CONSUMER, {"a": 1})
    assert [(link.context.trace_id, link.context.span_id) for link in links] == [(int(TRACE, 16), int(PARENT, 16))]
    assert dict(span.attributes) == {"a": 1, "sampler.why": "picky"}
    assert span.context.tracestate == encoded_span(span).trace_state == "picky=1"


def test_it_may_drop_a_child_of_a_sampled_parent() -> None:
    spans = CapturedSpans()

    child = Tracer(spans, sampler=Picky()).span("x", kind=Kind.CLIENT, parent=TraceContext(TRACEPARENT))
    child.end()

    assert spans.spans == []
    assert child.context.traceparent.endswith("-02")
