"""W3C trace context in the metadata of calls."""

import re
from collections.abc import Iterable

from telemetry.tracing import TraceContext

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def extract(metadata: Iterable[tuple[str, str | bytes]]) -> TraceContext | None:
    """The caller's context; None when there is none, or none that is well formed."""
    found = {key: value for key, value in metadata if isinstance(value, str)}
    traceparent = found.get("traceparent", "")
    if not _TRACEPARENT.fullmatch(traceparent):
        return None
    return TraceContext(traceparent, found.get("tracestate", ""), found.get("baggage", ""))


def inject(context: TraceContext) -> list[tuple[str, str]]:
    """Pairs for a call's metadata."""
    pairs = {"traceparent": context.traceparent, "tracestate": context.tracestate, "baggage": context.baggage}
    return [(key, value) for key, value in pairs.items() if value]
