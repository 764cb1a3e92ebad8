"""One JSON line per business fact or trouble, with the ids of its trace; short and coloured on a terminal."""

import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace

from telemetry.redaction import redact

Line = MutableMapping[str, Any]
# What a line says about itself; a person's name never stands there.
OWN_KEYS = frozenset({"event", "level", "time", "service", "trace_id", "span_id", "exception"})


def open_log(service: str, stream: TextIO | None = None) -> Any:
    """A structlog logger; `stream` is standard output when not said."""
    out = stream or sys.stdout
    on_terminal = out.isatty()
    console, json = structlog.dev.ConsoleRenderer, structlog.processors.JSONRenderer
    render: Any = console(timestamp_key="time") if on_terminal else json()
    return structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _with_trace,
            structlog.processors.format_exc_info,
            _redacted,
            render,
        ],
        wrapper_class=structlog.BoundLogger,
        service=service,
    )


def _with_trace(logger: Any, method: str, line: Line) -> Line:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line.setdefault("trace_id", f"{context.trace_id:032x}")
        line.setdefault("span_id", f"{context.span_id:016x}")
    return line


def _redacted(logger: Any, method: str, line: Line) -> Line:
    return {key: redact("" if key in OWN_KEYS else key, value) for key, value in line.items()}
