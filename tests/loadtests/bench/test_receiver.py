from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtests.bench.receiver import Counts


def request(*spans: tuple[str, int]) -> ExportTraceServiceRequest:
    """Spans as (name, number)."""
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for name, number in spans:
        scope.spans.add(name=name, trace_id=bytes(16), span_id=number.to_bytes(8, "big"))
    return made


def test_spans_are_counted_by_name() -> None:
    counts = Counts()

    counts.take(request(("process x", 1), ("process x", 2), ("create y", 3)))

    assert counts.read() == {"process x": 2, "create y": 1}


def test_a_span_that_arrives_twice_counts_once() -> None:
    counts = Counts()

    counts.take(request(("process x", 1)))
    counts.take(request(("process x", 1)))

    assert counts.read() == {"process x": 1}


def test_counting_begins_anew() -> None:
    counts = Counts()
    counts.take(request(("process x", 1)))

    counts.clear()

    assert counts.read() == {}
