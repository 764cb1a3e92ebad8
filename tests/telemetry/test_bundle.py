"""What a process says about itself, and that it says nothing where nobody listens."""

import os
import platform
import threading
from collections.abc import Iterator, Mapping
from uuid import UUID

import pytest
from opentelemetry import trace

from telemetry import bundle
from telemetry.bundle import open_telemetry, own_version, resource_of
from telemetry.testing import OtlpReceiver
from telemetry.tracing import Tracer
from tests.support.otlp import measured, until


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


def senders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("span-")]


def test_exports_nothing_without_an_endpoint(receiver: OtlpReceiver) -> None:
    before = senders()
    telemetry = open_telemetry("ordering", {})

    span = telemetry.tracer.span("x")
    span.end()
    telemetry.close()

    assert senders() == before
    assert not span.is_recording()
    assert span.context.traceparent.endswith("-03")
    assert receiver.requests == []


def test_exports_where_it_is_told_to(receiver: OtlpReceiver) -> None:
    telemetry = open_telemetry("ordering", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})

    telemetry.tracer.span("x").end()
    telemetry.close()

    [span] = receiver.spans
    assert (span.service, span.name) == ("ordering", "x")
    assert measured(telemetry.meter, "mallbots_telemetry_spans_total", {"outcome": "exported"}) == 1


def test_what_nobody_needs_to_see_is_not_exported(receiver: OtlpReceiver) -> None:
    telemetry = open_telemetry("ordering", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})

    quiet = telemetry.untraced()
    span = quiet.tracer.span("operator")
    span.end()
    telemetry.tracer.span("visible").end()
    telemetry.close()

    assert [span.name for span in receiver.spans] == ["visible"]
    assert span.context.traceparent
    assert (quiet.meter, quiet.log) == (telemetry.meter, telemetry.log)


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TIMEOUT"])
def test_a_setting_that_makes_no_sense_is_refused(variable: str) -> None:
    with pytest.raises(ValueError, match=variable):
        open_telemetry("ordering", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", variable: "nonsense"})


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OTEL_PROPAGATORS": "b3,tracecontext"}, "OTEL_PROPAGATORS is not heeded"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is not heeded"),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "metrics are scraped"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "100"}, "OTEL_BSP_SCHEDULE_DELAY: not heeded by the lean tracer"),
        ({"OTEL_PROPAGATORS": "tracecontext, baggage", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": ""}, ""),
        ({"OTEL_BSP_SCHEDULE_DELAY": "100", "MALLBOTS_TRACER": "sdk"}, ""),
    ],
)
def test_what_is_not_heeded_is_said_at_the_start(
    variables: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_telemetry("ordering", variables).close()

    assert [told in line for line in capsys.readouterr().out.splitlines()] == [True] * bool(told)


def test_says_which_version_runs() -> None:
    telemetry = open_telemetry("ordering", {})

    labels = {"version": own_version(), "python": platform.python_version()}
    assert measured(telemetry.meter, "mallbots_build_info", labels) == 1


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, {"service.name": "ordering", "service.namespace": "mallbots"}),
        ({"OTEL_SERVICE_NAME": "mine"}, {"service.name": "mine"}),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=mine"}, {"service.name": "mine"}),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=a", "OTEL_SERVICE_NAME": "b"}, {"service.name": "b"}),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test,host.name=elsewhere"},
            {"service.name": "ordering", "deployment.environment": "test", "host.name": "elsewhere"},
        ),
    ],
)
def test_the_environment_goes_first(
    environ: Mapping[str, str], told: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)

    attributes = resource_of("ordering").attributes

    assert attributes.items() >= told.items()
    assert attributes["process.pid"] == os.getpid()
    assert attributes["telemetry.sdk.language"] == "python"


def test_each_process_is_told_from_the_others() -> None:
    attributes = resource_of("ordering").attributes

    assert UUID(str(attributes["service.instance.id"])).version == 4
    assert attributes["host.name"]


def test_libraries_are_given_our_tracer(receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[trace.TracerProvider] = []
    monkeypatch.setattr(bundle.trace, "set_tracer_provider", given.append)  # type: ignore[attr-defined]  # imported there
    telemetry = open_telemetry("ordering", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})

    telemetry.for_libraries()
    given[0].get_tracer("library").start_span("theirs").end()
    telemetry.close()

    assert [span.name for span in until(lambda: receiver.spans)] == ["theirs"]
    assert isinstance(given[0].get_tracer("library"), Tracer)
