"""W3C trace context in the metadata of calls."""

from collections.abc import Iterable

from telemetry.trace_context import TraceContext, read_traceparent


def extract(metadata: Iterable[tuple[str, str | bytes]]) -> TraceContext | None:
    """The caller's context; None when there is none, or none that is well formed."""
    found = dict.fromkeys(TraceContext._fields, "")
    for key, value in metadata:
        if key in found and isinstance(value, str):
            found[key] = f"{found[key]},{value}" if found[key] else value
    return TraceContext(**found) if read_traceparent(found["traceparent"]) else None


def inject(context: TraceContext) -> list[tuple[str, str]]:
    """Pairs for a call's metadata, without what no header can carry."""
    pairs = context._asdict().items()
    return [(key, value) for key, value in pairs if value and value.isascii() and value.isprintable()]
