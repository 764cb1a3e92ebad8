"""Spans as they were recorded, as they were encoded, and as OpenTelemetry's own SDK would have encoded the same."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from telemetry.metrics import Meter
from telemetry.otlp import encode_request, encode_resource, encode_span
from telemetry.spans import Span
from telemetry.testing import CapturedSpans
from telemetry.tracing import Provider, Tracer

RESOURCE = Resource({"service.name": "tests", "process.pid": 7}, "https://example.org/schema")
# One that came from elsewhere, sampled, with a random trace id.
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-03"
Story = Callable[[trace.Tracer], None]


def encoded(spans: Iterable[Span]) -> ExportTraceServiceRequest:
    """What a receiver reads out of what we write."""
    request = encode_request(encode_resource(RESOURCE), [(span.scope, encode_span(span)) for span in spans])
    return ExportTraceServiceRequest.FromString(request)


def encoded_span(span: Span) -> OtlpSpan:
    return encoded([span]).resource_spans[0].scope_spans[0].spans[0]


def told_by_us(story: Story, limits: SpanLimits | None = None) -> list[Span]:
    """The spans of a story, in the order in which they ended."""
    sink = CapturedSpans()
    story(Provider(Tracer(sink, limits=limits)).get_tracer("library", "1.0", "https://example.org/library"))
    return sink.spans


def told_by_sdk(story: Story, ours: Sequence[Span], limits: SpanLimits | None = None) -> ExportTraceServiceRequest:
    """The same story, with the ids that our spans have, as the SDK and its exporter write it."""
    ended = _Ended()
    provider = TracerProvider(
        resource=RESOURCE, span_limits=limits, id_generator=_SameIds(ours), shutdown_on_exit=False
    )
    provider.add_span_processor(ended)
    story(provider.get_tracer("library", "1.0", "https://example.org/library"))
    return encode_spans(ended.spans)


class _Ended(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class _SameIds(RandomIdGenerator):
    """Gives out the ids of spans in the order in which they were started."""

    def __init__(self, spans: Sequence[Span]) -> None:
        started = sorted(spans, key=lambda span: span.started_ns)
        self._span_ids = iter([int(span.span_id_hex, 16) for span in started])
        self._trace_ids = iter([int(span.trace_id_hex, 16) for span in started if not span.origin.parent_id])

    def generate_span_id(self) -> int:
        return next(self._span_ids)

    def generate_trace_id(self) -> int:
        return next(self._trace_ids)


def same_bytes(one: ExportTraceServiceRequest, other: ExportTraceServiceRequest) -> bool:
    """Equal in every field; unlike `==`, also where both say that something is not a number."""
    return one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def measured(meter: Meter, name: str, labels: Mapping[str, str] | None = None) -> float:
    """The value of a sample, 0 when there is none."""
    wanted = {"context": meter.context, **(labels or {})}
    return meter.registry.get_sample_value(name, wanted) or 0.0


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for a condition; what it came to."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
    return result
