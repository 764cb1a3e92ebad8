"""W3C trace context as the platform carries it: three strings, and what a new span takes over from them."""

import re
from functools import lru_cache
from typing import NamedTuple

from opentelemetry.trace import Link, SpanContext, TraceFlags, TraceState

SAMPLED, RANDOM = 0x01, 0x02
KNOWN = SAMPLED | RANDOM  # a flag that says something else to a later version is not passed on
# Version 00 is exactly this long; later ones may go on after a dash, `ff` is none.
_TRACEPARENT = re.compile(
    r"(?!ff)(?:00(?=.{53}\Z)|(?!00)[0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?=-|\Z)"
)


class TraceContext(NamedTuple):
    traceparent: str
    tracestate: str = ""
    baggage: str = ""


class Origin(NamedTuple):
    """Where a span comes from; `parent_id` is empty for the first one of a trace."""

    trace_id: str
    parent_id: str
    flags: int
    remote: bool = False
    tracestate: str = ""
    baggage: str = ""


@lru_cache(maxsize=2048)  # one message is read about three times: as a parent, and in the links of its batch
def read_traceparent(text: str) -> tuple[str, str, int] | None:
    """Trace id, span id and flags; None when it is not well formed."""
    found = _TRACEPARENT.match(text)
    if found is None:
        return None
    trace_id, span_id, flags = found.groups()
    return trace_id, span_id, int(flags, 16)


def origin_of(context: TraceContext) -> Origin | None:
    """What a child takes over; None when there is nothing to take over."""
    if (found := read_traceparent(context.traceparent)) is None:
        return None
    trace_id, span_id, flags = found
    return Origin(trace_id, span_id, flags & KNOWN, True, context.tracestate, context.baggage)


def origin_of_span_context(context: SpanContext, baggage: str) -> Origin | None:
    if not context.is_valid:
        return None
    tracestate = context.trace_state.to_header() if context.trace_state else ""
    ids = (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    return Origin(*ids, context.trace_flags & KNOWN, context.is_remote, tracestate, baggage)


def span_context(trace_id: str, span_id: str, flags: int, tracestate: str, *, remote: bool) -> SpanContext:
    state = TraceState.from_header([tracestate]) if tracestate else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, TraceFlags(flags), state)


def as_link(link: TraceContext | Link) -> Link:
    """One that leads nowhere, when the context is not well formed."""
    if isinstance(link, Link):
        return link
    trace_id, span_id, flags = read_traceparent(link.traceparent) or ("0" * 32, "0" * 16, 0)
    return Link(span_context(trace_id, span_id, flags, link.tracestate, remote=True))
