"""`MALLBOTS_TRACER=sdk`: OpenTelemetry's own record, processor and exporter tell the same."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import StatusCode

from telemetry.bundle import Telemetry, open_telemetry
from telemetry.sdk_tracer import SdkTracer
from telemetry.spans import Kind
from telemetry.testing import OtlpReceiver
from telemetry.tracing import Provider, TraceContext, Tracer
from tests.support.otlp import TRACEPARENT, until

SAMPLED_ELSEWHERE = TraceContext(TRACEPARENT, "vendor=1", "customer=7")
UNSAMPLED = TraceContext(TRACEPARENT[:-1] + "2")


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


def opened(kind: str, receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    monkeypatch.setenv("MALLBOTS_TRACER", kind)
    return open_telemetry("ordering")


def a_day(telemetry: Telemetry) -> None:
    """A bit of everything, with the same dice."""
    tracer: Tracer = telemetry.tracer
    server = tracer.span(
        "mallbots.x.v1.X/Do", kind=Kind.SERVER, parent=SAMPLED_ELSEWHERE, attributes={"rpc.method": "Do"}
    )
    with tracer.use(server):
        created = tracer.span("create x.Done", kind=Kind.PRODUCER)
        created.set_attributes({"mallbots.sequence": 7, "messaging.system": "redis", "odd": [1, None, "x"]})
        created.end()
        library = Provider(tracer).get_tracer("library", "1")
        with library.start_as_current_span("inside", kind=trace.SpanKind.CLIENT, attributes={"a": 1.5}):
            tracer.span("innermost").end()
    server.set_attribute("rpc.response.status_code", "OK")
    server.end()
    server.end()
    tracer.span("unsampled", parent=UNSAMPLED).end()
    many = [created.context, TraceContext("")] * 200
    receive = tracer.span("receive x.events", kind=Kind.CLIENT, new_trace=True, links=many)
    receive.end()
    with (
        pytest.raises(ValueError),
        tracer.span("process x.Done", parent=created.context, links=[receive.context]) as span,
    ):
        span.add_event("tried", {"attempt": 1}, timestamp=5)
        raise ValueError("no answer from redis://mall:hunter2@redis")
    again = tracer.span("again")
    again.fail(KeyError("first"))
    again.fail(KeyError("second"))
    again.set_status(StatusCode.UNSET)
    again.update_name("renamed")
    again.end()
    telemetry.close()


def alike(request: ExportTraceServiceRequest) -> dict[tuple[str, str], list[Any]]:
    """Spans by scope and name, without what differs from run to run."""
    numbers: dict[bytes, int] = {}
    found: dict[tuple[str, str], list[Any]] = {}
    scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
    spans = [(scope.scope.name, span) for scope in scopes for span in scope.spans]
    for scope, span in sorted(spans, key=lambda pair: pair[1].start_time_unix_nano):
        ids = [span.trace_id, span.span_id, span.parent_span_id, *(link.span_id for link in span.links)]
        span.start_time_unix_nano = span.end_time_unix_nano = 0
        span.ClearField("trace_id")
        span.ClearField("span_id")
        span.ClearField("parent_span_id")
        for link in span.links:
            link.ClearField("trace_id")
            link.ClearField("span_id")
        told = [numbers.setdefault(each, len(numbers)) if each else None for each in ids]
        found.setdefault((scope, span.name), []).append((told, span))
    return found


def test_tells_the_same_as_ours(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for kind in ("lean", "sdk"):
        a_day(opened(kind, receiver, monkeypatch))
        merged = ExportTraceServiceRequest()
        for request in until(lambda: receiver.requests):
            merged.MergeFrom(request)
        receiver.requests.clear()
        told.append(merged)

    lean, sdk = map(alike, told)
    assert lean.keys() == sdk.keys()
    assert len(lean) == 7
    assert lean == sdk
    assert "hunter2" not in str(told)


def test_describes_the_process_alike(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resources = []
    for kind in ("lean", "sdk"):
        telemetry = opened(kind, receiver, monkeypatch)
        telemetry.tracer.span("x").end()
        telemetry.close()
        resource = until(lambda: receiver.requests).pop().resource_spans[0].resource
        resources.append({pair.key: pair.value for pair in resource.attributes if pair.key != "service.instance.id"})

    assert resources[0] == resources[1]
    assert resources[0]["service.name"].string_value == "ordering"


@pytest.mark.parametrize("make", [Tracer, SdkTracer])
def test_passes_the_same_on(
    make: Callable[..., Tracer], receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "sdk" if make is SdkTracer else "lean"
    telemetry = opened(kind, receiver, monkeypatch)

    span = telemetry.tracer.span("x", parent=SAMPLED_ELSEWHERE)
    with telemetry.tracer.use(span):
        inner = telemetry.tracer.span("y")
    unsampled = telemetry.tracer.span("z", parent=UNSAMPLED)
    telemetry.close()

    assert type(telemetry.tracer) is make
    assert inner.context == TraceContext(f"{TRACEPARENT[:36]}{inner.span_id_hex}-03", "vendor=1", "customer=7")
    assert unsampled.context.traceparent == f"{TRACEPARENT[:36]}{unsampled.span_id_hex}-02"


def test_samples_alike(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    dice = random.Random(3)
    parents = [TraceContext(f"00-{dice.getrandbits(128):032x}-{7:016x}-03") for _ in range(100)]

    def kept(kind: str) -> list[bool]:
        telemetry = opened(kind, receiver, monkeypatch)
        spans = [telemetry.tracer.span("x", parent=parent) for parent in parents]
        recording = [span.is_recording() for span in spans]
        telemetry.close()
        return recording

    lean = kept("lean")
    assert lean == kept("sdk")
    assert 20 < sum(lean) < 80


def test_another_tracer_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLBOTS_TRACER", "fast")

    with pytest.raises(ValueError, match="MALLBOTS_TRACER is 'fast', must be lean or sdk"):
        open_telemetry("ordering")
