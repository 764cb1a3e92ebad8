"""The own record of a span. What is unusual about its attributes is left to OpenTelemetry's own classes."""

import time
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import Token
from dataclasses import dataclass
from enum import IntEnum
from types import NoneType, TracebackType
from typing import Any, NamedTuple, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes

from telemetry.redaction import redact_all, redact_text
from telemetry.trace_context import SAMPLED, Origin, TraceContext, span_context

_SIMPLE = frozenset({str, int, float, bool, bytes, NoneType})
_TEXT = frozenset({str})
NOT_ENDED = -1


class Kind(IntEnum):
    """With OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Who made a span: the platform, or an instrumented library."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Attributes = None


class Event(NamedTuple):
    name: str
    at_ns: int
    attributes: BoundedAttributes


class Sink(Protocol):
    """Takes spans that have ended, in any thread, without waiting for anything."""

    def take(self, span: "Span") -> None: ...
    def close(self) -> None: ...


class Recording(NamedTuple):
    """What a tracer's spans have in common."""

    sink: Sink | None
    limits: SpanLimits
    scope: Scope
    roomy: bool = False


class Span(trace.Span):
    """A context manager too: makes itself current, fails on an exception, ends."""

    __slots__ = (
        *("name", "kind", "origin", "flags", "trace_id_hex", "span_id_hex", "scope", "started_ns", "ended_ns"),
        *("attributes", "links", "events", "status", "status_text", "limits", "_sink", "_roomy", "_token"),
    )

    def __init__(self, name: str, kind: Kind, origin: Origin, span_id: str, recording: Recording) -> None:
        self.name = name
        self.kind = kind
        self.origin = origin
        self.flags = origin.flags
        self.trace_id_hex = origin.trace_id
        self.span_id_hex = span_id
        self._sink, self.limits, self.scope, self._roomy = recording
        if not origin.flags & SAMPLED:
            self._sink = None
        self.attributes: MutableMapping[str, Any] = {}
        self.links: Sequence[TraceContext | Link] = ()
        self.events: BoundedList[Event] | None = None
        self.status = StatusCode.UNSET
        self.status_text = ""
        self.ended_ns = NOT_ENDED
        self.started_ns = time.time_ns()

    @property
    def context(self) -> TraceContext:
        """What goes into a message or a call that this span causes."""
        traceparent = f"00-{self.trace_id_hex}-{self.span_id_hex}-{self.flags:02x}"
        return TraceContext(traceparent, self.origin.tracestate, self.origin.baggage)

    @property
    def exemplar(self) -> dict[str, str] | None:
        """What leads from a measurement to this span; None where nobody keeps it, so that it would lead nowhere."""
        return {"trace_id": self.trace_id_hex, "span_id": self.span_id_hex} if self._is_kept() else None

    def _is_kept(self) -> bool:
        return self._sink is not None

    def fail(self, error: BaseException) -> None:
        """The first failure counts."""
        if self.status is not StatusCode.ERROR:
            self.set_attributes({"error.type": type(error).__name__})
            self.set_status(StatusCode.ERROR, str(error))

    def end(self, end_time: int | None = None) -> None:
        if self.ended_ns != NOT_ENDED:
            return
        self.ended_ns = max(time.time_ns(), self.started_ns) if end_time is None else end_time
        if self._sink is not None:
            self._sink.take(self)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self._sink is None or self.ended_ns != NOT_ENDED:
            return
        mine = self.attributes
        if type(mine) is BoundedAttributes:
            bounded = mine
        elif self._is_simple(attributes) and mine.keys().isdisjoint(attributes):
            mine.update(attributes)
            return
        else:
            self.attributes = bounded = self._bounded(self.limits.max_span_attributes, mine)
        kept = self._bounded(None, attributes)
        bounded.update(kept)
        bounded.dropped += kept.dropped

    def note(self, attributes: Mapping[str, Any]) -> None:
        """As `set_attributes`, for names of the registry and values that need no second look: where nothing limits
        them they are taken as they are."""
        if self._sink is None or self.ended_ns != NOT_ENDED:
            return
        if self._roomy and type(self.attributes) is dict:
            self.attributes.update(attributes)
        else:
            self.set_attributes(attributes)

    def _is_simple(self, attributes: Mapping[str, Any]) -> bool:
        """Whether no limit, copy or conversion is called for."""
        most = self.limits.max_span_attributes
        return (
            _SIMPLE.issuperset(map(type, attributes.values()))
            and _TEXT.issuperset(map(type, attributes))
            and "" not in attributes
            and self.limits.max_span_attribute_length is None
            and (most is None or len(self.attributes) + len(attributes) <= most)
        )

    def _bounded(self, most: int | None, attributes: Mapping[str, Any]) -> BoundedAttributes:
        longest = self.limits.max_span_attribute_length
        return BoundedAttributes(most, attributes, immutable=False, max_value_len=longest)

    def redacted(self, most: int | None, attributes: Attributes) -> BoundedAttributes:
        return BoundedAttributes(most, redact_all(attributes), max_value_len=self.limits.max_attribute_length)

    def __enter__(self) -> "Span":
        self._token: Token[Context] = otel_context.attach(self.as_current())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        otel_context.detach(self._token)
        if error is not None:
            self.fail(error)
        self.end()

    def as_current(self) -> Context:
        """The context in which this span is the current one."""
        context = trace.set_span_in_context(self)
        if self.origin.baggage:
            context = W3CBaggagePropagator().extract({"baggage": self.origin.baggage}, context)
        return context

    # OpenTelemetry's interface

    def get_span_context(self) -> SpanContext:
        return span_context(self.trace_id_hex, self.span_id_hex, self.flags, self.origin.tracestate, remote=False)

    def is_recording(self) -> bool:
        return self._sink is not None and self.ended_ns == NOT_ENDED

    def set_attribute(self, key: str, value: Any) -> None:
        self.set_attributes({key: value})

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if not self.is_recording():
            return
        if self.events is None:
            self.events = BoundedList(self.limits.max_events)
        kept = self.redacted(self.limits.max_event_attributes, attributes)
        self.events.append(Event(name, time.time_ns() if timestamp is None else timestamp, kept))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        if self.is_recording() and leads_somewhere(context, attributes):
            kept = self.redacted(self.limits.max_link_attributes, attributes)
            self.links = [*self.links, Link(context, kept)]

    def update_name(self, name: str) -> None:
        if self.is_recording():
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        said = status if isinstance(status, Status) else Status(status, description)
        if self.ended_ns != NOT_ENDED or self.status is StatusCode.OK or said.status_code is StatusCode.UNSET:
            return
        self.status, self.status_text = said.status_code, redact_text(said.description or "")

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        told: dict[str, Any] = {
            "exception.type": _full_name(type(exception)),
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", told | dict(attributes or {}), timestamp)


def leads_somewhere(context: SpanContext, attributes: Attributes) -> bool:
    """Whether a link says anything."""
    return bool(context.is_valid or attributes or context.trace_state)


def _full_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
