"""The hand-written loop with OpenTelemetry's SDK and exporter as they come: two spans an event, none dropped."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from loadtests.bench.consumers.bare import GROUP, Message, main

QUEUE = 20_000  # at its default of 2,048 a burst loses spans, and what is lost costs nothing


class StockTracing:
    """As many attributes as ours have."""

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "receiver"}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=QUEUE))
        self._tracer = self._provider.get_tracer("bench")
        self._propagator = TraceContextTextMapPropagator()

    def handle(self, message: Message, stream: str, work: Callable[[Callable[..., str]], None]) -> None:
        parent = self._propagator.extract({"traceparent": message.traceparent})
        attributes = _attributes("process", stream, message.id, message.type, message.subject)
        name = f"process {message.type}"
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=SpanKind.CONSUMER,
            attributes=attributes | {"messaging.consumer.group.name": GROUP},
        ) as span:
            work(lambda **told: self._create(stream, told["id"], told["type"], told["subject"]))
            span.set_attributes({"mallbots.outcome": "applied", "mallbots.attempt": 1})

    def close(self) -> None:
        self._provider.shutdown()

    def _create(self, stream: str, id: str, type: str, subject: str) -> str:
        carrier: dict[str, str] = {}
        attributes = _attributes("create", stream, id, type, subject)
        with self._tracer.start_as_current_span(
            f"create {type}", kind=SpanKind.PRODUCER, attributes=attributes
        ) as span:
            self._propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier["traceparent"]


def _attributes(operation: str, stream: str, id: str, type: str, subject: str) -> dict[str, str]:
    return {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": stream,
        "messaging.destination.partition.id": stream[-9],
        "messaging.message.id": id,
        "messaging.message.conversation_id": subject,
        "cloudevents.event_id": id,
        "cloudevents.event_type": type,
        "cloudevents.event_source": "receiver",
        "cloudevents.event_subject": subject,
    }


if __name__ == "__main__":
    main(StockTracing())
