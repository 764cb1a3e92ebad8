"""W3C trace context in the metadata of calls."""

import logging
from collections.abc import Iterable
from functools import lru_cache

from opentelemetry.baggage import _is_valid_pair

from telemetry.trace_context import TraceContext, read_traceparent

MOST_BYTES, MOST_BYTES_OF_ONE, MOST = 8192, 4096, 180  # of baggage, by W3C's recommendation


def extract(metadata: Iterable[tuple[str, str | bytes]]) -> TraceContext | None:
    """The caller's context; None when there is none, or none that is well formed."""
    found: dict[str, str] = {}
    for key, value in metadata:
        if key in _FIELDS and isinstance(value, str):
            found[key] = f"{found[key]},{value}" if key in found else value
    if not read_traceparent(found.get("traceparent", "")):
        return None
    if text := found.get("baggage"):
        found["baggage"] = carriable(text)
    return TraceContext(**found)


@lru_cache(maxsize=256)
def carriable(baggage: str) -> str:
    """As it came, less what may not be carried: it would be refused again by every span of the flow, in a line each."""
    pairs = baggage.split(",")
    kept = [pair for pair in pairs if is_carriable(pair)][:MOST] if len(baggage) <= MOST_BYTES else []
    if kept == pairs:
        return baggage
    logging.getLogger(__name__).warning(
        "baggage dropped: %d of %d bytes may be carried", len(",".join(kept)), len(baggage)
    )
    return ",".join(kept)


def is_carriable(pair: str) -> bool:
    name, equals, value = pair.partition("=")
    return len(pair) <= MOST_BYTES_OF_ONE and bool(equals) and _is_valid_pair(name.strip(" \t"), value.strip(" \t"))


def inject(context: TraceContext) -> list[tuple[str, str]]:
    """Pairs for a call's metadata, without what no header can carry."""
    pairs = zip(_FIELDS, context, strict=True)
    return [(key, value) for key, value in pairs if value and value.isascii() and value.isprintable()]


_FIELDS = TraceContext._fields
