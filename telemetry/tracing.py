"""A lean tracer behind OpenTelemetry's interface: the SDK's sampler and limits, an own record of a span."""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util.types import Attributes

from telemetry.library_spans import LibrarySpan
from telemetry.spans import Kind, Recording, Scope, Sink, Span
from telemetry.trace_context import (
    RANDOM,
    SAMPLED,
    Origin,
    TraceContext,
    as_link,
    origin_of,
    origin_of_span_context,
    span_context,
)

__all__ = ["Kind", "Span", "TraceContext", "Tracer", "span_limits"]

MOST_LINKS = 10_000
OUR_MOST_ATTRIBUTES = 64
SYNTHETIC = "synthetic=true"  # baggage of what a load test does, so that it can be told from customers
PLATFORM = Scope("mallbots")


def span_limits() -> SpanLimits:
    """The SDK's, but a batch may link to all of its messages, where nothing else is set."""
    return SpanLimits(max_links=None if "OTEL_SPAN_LINK_COUNT_LIMIT" in os.environ else MOST_LINKS)


def sampler_from_environment() -> Sampler:
    return TracerProvider(resource=Resource.get_empty(), shutdown_on_exit=False).sampler


class Tracer(trace.Tracer):
    """Makes spans; those that end go into `sink`. Without one, ids are made and passed on, and that is all."""

    def __init__(
        self,
        sink: Sink | None = None,
        sampler: Sampler | None = None,
        limits: SpanLimits | None = None,
        scope: Scope = PLATFORM,
    ) -> None:
        self._sampler = sampler or sampler_from_environment()
        self._always = self._sampler.get_description() == DEFAULT_ON.get_description()  # type: ignore[no-untyped-call]  # the SDK's
        limits = limits or span_limits()
        self._recording = Recording(sink, limits, scope, _has_room(limits))

    def span(
        self,
        name: str,
        *,
        kind: Kind = Kind.INTERNAL,
        parent: TraceContext | None = None,
        new_trace: bool = False,
        links: Sequence[TraceContext] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> Span:
        """A started span. Its parent is `parent`, else the current span, if there is one and no new trace is wanted."""
        origin = None if new_trace else (parent and origin_of(parent)) or _current_origin()
        return self._start(Span, name, kind, origin, links, attributes)

    def use(self, span: Span) -> "_Current":
        """A context manager: makes it the current span, without ending it."""
        return _Current(span)

    def for_library(self, scope: Scope) -> trace.Tracer:
        """What an instrumented library gets, so that its spans join ours."""
        return Tracer(self._recording.sink, self._sampler, self._recording.limits, scope)

    def close(self) -> None:
        """Send what waits to be sent, within a bound."""
        if self._recording.sink is not None:
            self._recording.sink.close()

    def _start(
        self,
        record: type[Span],
        name: str,
        kind: Kind,
        origin: Origin | None,
        links: Sequence[TraceContext | Link],
        attributes: Attributes,
    ) -> Span:
        if origin is None:
            origin = Origin(f"{random.getrandbits(128) or 1:032x}", "", SAMPLED | RANDOM)
        if not self._always:
            origin, attributes = self._sampled(name, kind, origin, links, attributes)
        span = record(name, kind, origin, f"{random.getrandbits(64) or 1:016x}", self._recording)
        if span.is_recording():
            span.links = links
            if attributes:
                span.set_attributes(attributes)
            if origin.baggage and SYNTHETIC in origin.baggage:
                span.set_attributes({"synthetic": "true"})
        return span

    def _sampled(
        self, name: str, kind: Kind, origin: Origin, links: Sequence[TraceContext | Link], attributes: Attributes
    ) -> tuple[Origin, Attributes]:
        """What the sampler says. Its own attributes come last, as they do in the SDK."""
        parent = Context()
        if origin.parent_id:
            known = span_context(*origin[:3], origin.tracestate, remote=origin.remote)
            parent = trace.set_span_in_context(trace.NonRecordingSpan(known), parent)
        said = self._sampler.should_sample(
            parent, int(origin.trace_id, 16), name, SpanKind(kind - 1), attributes, [as_link(link) for link in links]
        )
        flags = origin.flags & RANDOM | (SAMPLED if said.decision is Decision.RECORD_AND_SAMPLE else 0)
        tracestate = said.trace_state.to_header() if said.trace_state else ""
        return origin._replace(flags=flags, tracestate=tracestate), said.attributes

    # OpenTelemetry's interface

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        origin, links = _current_origin(context), links or ()
        span = self._start(LibrarySpan, name, Kind(kind.value + 1), origin, links, attributes)
        if isinstance(span, LibrarySpan):
            span.begin(links, start_time, record_exception, set_status_on_exception)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[trace.Span]:
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception):
            yield span


def _current_origin(context: Context | None = None) -> Origin | None:
    span, carried = trace.get_current_span(context), baggage.get_all(context)
    if isinstance(span, Span):
        text = _baggage_text(span.origin.baggage, carried) if carried else ""
        return Origin(span.trace_id_hex, span.span_id_hex, span.flags, False, span.origin.tracestate, text)
    return origin_of_span_context(span.get_span_context(), _baggage_text("", carried) if carried else "")


def _baggage_text(known: str, carried: Mapping[str, object]) -> str:
    """As it came in, unless somebody changed it since."""
    if known and _baggage_of(known) == carried:
        return known
    carrier: dict[str, str] = {}
    context = Context()
    for name, value in carried.items():
        context = baggage.set_baggage(name, value, context)
    W3CBaggagePropagator().inject(carrier, context)
    return carrier.get("baggage", "")


@lru_cache(maxsize=256)
def _baggage_of(text: str) -> Mapping[str, object]:
    return baggage.get_all(W3CBaggagePropagator().extract({"baggage": text}, Context()))


def _has_room(limits: SpanLimits) -> bool:
    """Whether nothing of what the platform itself says about a span can be too much."""
    return (
        limits.max_span_attribute_length is None
        and (limits.max_span_attributes or OUR_MOST_ATTRIBUTES) >= OUR_MOST_ATTRIBUTES
    )


class _Current:
    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = otel_context.attach(self._span.as_current())

    def __exit__(self, *exception: object) -> None:
        otel_context.detach(self._token)


class Provider(trace.TracerProvider):
    """Makes the platform's tracer the one that instrumented libraries get."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._given: dict[str, trace.Tracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        """The same one for the same scope, so that its spans stand together."""
        told = BoundedAttributes(attributes=attributes)
        scope = Scope(instrumenting_module_name, instrumenting_library_version or "", schema_url or "", told)
        return self._given.setdefault(repr(scope), self._tracer.for_library(scope))
