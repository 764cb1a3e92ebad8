"""Which way spans go, as OpenTelemetry's variables say, and which variables make no sense."""

import pytest

from telemetry.transports import GrpcTransport, HttpTransport, transport_from_environment
from tests.support.receivers import transport


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=b"},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_SDK_DISABLED": "True"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_exported_without_an_endpoint(environ: dict[str, str]) -> None:
    assert transport_from_environment(environ) is None


@pytest.mark.parametrize(
    ("endpoint", "variables", "kind"),
    [
        ("http://localhost:4318", {}, HttpTransport),
        ("localhost:4318", {}, HttpTransport),
        ("http://localhost:4317", {}, GrpcTransport),
        ("localhost:4317", {}, GrpcTransport),
        ("http://localhost:4317", {"PROTOCOL": "http/protobuf"}, HttpTransport),
        ("http://localhost:9999", {"PROTOCOL": "grpc"}, GrpcTransport),
        ("http://localhost:9999", {"PROTOCOL": "grpc", "TRACES_PROTOCOL": "http/protobuf"}, HttpTransport),
        ("https://collector", {}, HttpTransport),
        ("http://[::1]:4317", {}, GrpcTransport),
    ],
)
def test_the_protocol_is_that_which_is_said(
    endpoint: str, variables: dict[str, str], kind: type[HttpTransport | GrpcTransport]
) -> None:
    chosen = transport(endpoint, **variables)

    assert type(chosen) is kind
    chosen.close()


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"ENDPOINT": "ftp://localhost"}, "OTEL_EXPORTER_OTLP_ENDPOINT is 'ftp://localhost', must be a URL"),
        ({"ENDPOINT": "http://"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"ENDPOINT": "http://localhost:99999"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"ENDPOINT": "http://[::1"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"ENDPOINT": "http://localhost/größe"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL is 'http/json', must be http/protobuf or grpc"),
        ({"COMPRESSION": "zstd"}, "OTEL_EXPORTER_OTLP_COMPRESSION is 'zstd', must be none or gzip"),
        ({"TIMEOUT": "soon"}, "OTEL_EXPORTER_OTLP_TIMEOUT is 'soon', must be a number of seconds above 0"),
        ({"TIMEOUT": "0"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ({"TIMEOUT": "-1"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ({"TRACES_TIMEOUT": "nan"}, "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ({"HEADERS": "na me=x"}, "OTEL_EXPORTER_OTLP_HEADERS: 'na me' is no header"),
        ({"HEADERS": "key=secret%0aline"}, "OTEL_EXPORTER_OTLP_HEADERS: 'key' is no header"),
    ],
)
def test_what_makes_no_sense_is_refused(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        transport(variables.pop("ENDPOINT", "http://localhost:4318"), **variables)

    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)
