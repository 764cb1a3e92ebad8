"""W3C trace context in the metadata of calls."""

from collections.abc import Iterable

from telemetry.trace_context import TraceContext, read_traceparent


def extract(metadata: Iterable[tuple[str, str | bytes]]) -> TraceContext | None:
    """The caller's context; None when there is none, or none that is well formed."""
    found: dict[str, str] = {}
    for key, value in metadata:
        if key in _FIELDS and isinstance(value, str):
            found[key] = f"{found[key]},{value}" if key in found else value
    return TraceContext(**found) if read_traceparent(found.get("traceparent", "")) else None


def inject(context: TraceContext) -> list[tuple[str, str]]:
    """Pairs for a call's metadata, without what no header can carry."""
    pairs = zip(_FIELDS, context, strict=True)
    return [(key, value) for key, value in pairs if value and value.isascii() and value.isprintable()]


_FIELDS = TraceContext._fields
