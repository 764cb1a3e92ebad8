"""Spans of instrumented libraries, which know OpenTelemetry's interface and nothing of the platform's."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from opentelemetry.trace import Link, StatusCode

from telemetry.redaction import redact_all
from telemetry.spans import Span


class LibrarySpan(Span):
    """Started through OpenTelemetry's interface: as a context manager it only ends, as that says. What it is told is
    nobody's promise, so it is redacted, which the platform's own attributes need not be."""

    __slots__ = ("_records_exception", "_sets_status")
    _records_exception: bool
    _sets_status: bool

    def begin(self, links: Sequence[Link], at_ns: int | None, records_exception: bool, sets_status: bool) -> None:
        self.links = ()
        for link in links:
            self.add_link(link.context, link.attributes)
        self.started_ns = self.started_ns if at_ns is None else at_ns
        self._records_exception, self._sets_status = records_exception, sets_status

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        super().set_attributes(redact_all(attributes))

    def note(self, attributes: Mapping[str, Any]) -> None:
        self.set_attributes(attributes)

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._records_exception:
            self.record_exception(error, escaped=True)
        if error is not None and self._sets_status:
            self.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        self.end()
