"""`MALLBOTS_TRACER=sdk`: OpenTelemetry's own record, processor and exporter behind the platform's interface."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes

from telemetry.redaction import redact_all, redact_text
from telemetry.spans import Kind, Recording, Scope, Span
from telemetry.trace_context import SAMPLED, Origin, TraceContext, as_link, span_context
from telemetry.tracing import PLATFORM, Tracer, span_limits


def sdk_tracer(resource: Resource) -> "SdkTracer":
    """Raises ValueError when the exporter, which is not among our own dependencies, is missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ValueError("MALLBOTS_TRACER=sdk needs opentelemetry-exporter-otlp-proto-http: install it") from error
    return SdkTracer(resource, BatchSpanProcessor(OTLPSpanExporter()))


class SdkTracer(Tracer):
    def __init__(self, resource: Resource, processor: SpanProcessor) -> None:
        super().__init__()
        self._provider = TracerProvider(resource=resource, span_limits=span_limits(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._sdk = self._provider.get_tracer(PLATFORM.name)

    def for_library(self, scope: Scope) -> trace.Tracer:
        return self._provider.get_tracer(scope.name, scope.version, scope.schema_url, scope.attributes)

    def close(self) -> None:
        self._provider.shutdown()

    def _start(
        self,
        record: type[Span],
        name: str,
        kind: Kind,
        origin: Origin | None,
        links: Sequence[TraceContext | Link],
        attributes: Attributes,
    ) -> Span:
        parent = Context()
        if origin and origin.parent_id:
            known = span_context(*origin[:3], origin.tracestate, remote=origin.remote)
            parent = trace.set_span_in_context(trace.NonRecordingSpan(known), parent)
        known_links = [as_link(link) for link in links]
        inner = self._sdk.start_span(name, parent, SpanKind(kind - 1), attributes, known_links)
        return SdkSpan(inner, name, kind, origin.baggage if origin else "", self._recording)


class SdkSpan(Span):
    """The platform's interface over a span of the SDK."""

    __slots__ = ("_inner",)

    def __init__(self, inner: trace.Span, name: str, kind: Kind, baggage: str, recording: Recording) -> None:
        context = inner.get_span_context()
        tracestate = context.trace_state.to_header() if context.trace_state else ""
        origin = Origin(f"{context.trace_id:032x}", "", context.trace_flags, False, tracestate, baggage)
        super().__init__(name, kind, origin, f"{context.span_id:016x}", recording)
        self._inner = inner

    def _is_kept(self) -> bool:
        return bool(self.flags & SAMPLED)

    def end(self, end_time: int | None = None) -> None:
        self._inner.end(end_time)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._inner.set_attributes(attributes)

    def note(self, attributes: Mapping[str, Any]) -> None:
        self._inner.set_attributes(attributes)

    def get_span_context(self) -> SpanContext:
        return self._inner.get_span_context()

    def is_recording(self) -> bool:
        return self._inner.is_recording()

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        self._inner.add_event(name, redact_all(attributes), timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        self._inner.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        self._inner.update_name(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        said = status if isinstance(status, Status) else Status(status, description)
        self.status = said.status_code
        self._inner.set_status(said.status_code, said.description and redact_text(said.description))
