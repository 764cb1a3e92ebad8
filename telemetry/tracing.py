"""First cut."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from enum import IntEnum
from typing import Any, NamedTuple


class Kind(IntEnum):
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class TraceContext(NamedTuple):
    traceparent: str
    tracestate: str = ""
    baggage: str = ""


_current: ContextVar["Span | None"] = ContextVar("span", default=None)


class Span:
    def __init__(self, name: str, trace_id: str, span_id: str) -> None:
        self.name = name
        self.trace_id_hex = trace_id
        self.span_id_hex = span_id

    @property
    def context(self) -> TraceContext:
        return TraceContext(f"00-{self.trace_id_hex}-{self.span_id_hex}-01")

    def fail(self, error: BaseException) -> None: ...
    def end(self) -> None: ...
    def set_attributes(self, attributes: Mapping[str, Any]) -> None: ...

    def __enter__(self) -> "Span":
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        _current.reset(self._token)
        if error is not None:
            self.fail(error)
        self.end()


class Tracer:
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
        current = _current.get()
        trace_id = os.urandom(16).hex()
        if parent and len(parent.traceparent) >= 55:
            trace_id = parent.traceparent[3:35]
        elif current and not new_trace:
            trace_id = current.trace_id_hex
        return Span(name, trace_id, os.urandom(8).hex())

    @contextlib.contextmanager
    def use(self, span: Span) -> Iterator[None]:
        token = _current.set(span)
        try:
            yield
        finally:
            _current.reset(token)
