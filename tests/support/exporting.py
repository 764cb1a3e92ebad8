"""An exporter with all that one sees of it from outside."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.export import Answer, SpanExporter
from telemetry.logs import open_log
from telemetry.metrics import Meter
from telemetry.otlp import encode_resource
from telemetry.tracing import Tracer
from tests.support.otlp import RESOURCE, measured

TAKEN = Answer(taken=True)
AWAY = Answer(taken=False, again_after=0.0, reason="nobody listens")


class FakeTransport:
    """Gives the answers it was told to, then takes everything; while `hold` is clear, it takes its time."""

    def __init__(self, *answers: Answer) -> None:
        self.bodies: list[bytes] = []
        self.hold = threading.Event()
        self.hold.set()
        self.under_way = threading.Event()
        self.closed = False
        self._answers = list(answers)

    def send(self, request: bytes) -> Answer:
        self.under_way.set()
        self.hold.wait()
        self.bodies.append(request)
        return self._answers.pop(0) if self._answers else TAKEN

    def close(self) -> None:
        self.closed = True
        self.hold.set()

    @property
    def names(self) -> list[str]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for request in requests for each in request.resource_spans for scope in each.scope_spans]
        return [span.name for scope in scopes for span in scope.spans]


class Exporting:
    """An exporter with what one sees of it."""

    def __init__(self, transport: Any, **bounds: int) -> None:
        self.meter, self.said = Meter("tests"), io.StringIO()
        log = open_log("tests", self.said)
        self.exporter = SpanExporter(transport, encode_resource(RESOURCE), self.meter, log, **bounds)
        self.tracer = Tracer(self.exporter)

    def tell(self, *names: str, **attributes: Any) -> None:
        for name in names:
            self.tracer.span(name, attributes=attributes).end()

    def count(self, outcome: str) -> float:
        return measured(self.meter, "mallbots_telemetry_spans_total", {"outcome": outcome})

    @property
    def counts(self) -> tuple[float, float, float]:
        return self.count("exported"), self.count("dropped"), self.count("failed")

    @property
    def reasons(self) -> list[str]:
        lines = [json.loads(line) for line in self.said.getvalue().splitlines()]
        assert {line["event"] for line in lines} <= {"spans not delivered"}
        return [line["reason"] for line in lines]


@contextmanager
def exporting(transport: Any, **bounds: int) -> Iterator[Exporting]:
    it = Exporting(transport, **bounds)
    try:
        yield it
    finally:
        it.exporter.close()


def numbers(count: int) -> list[str]:
    return [f"span {number}" for number in range(count)]
