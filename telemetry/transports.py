"""OTLP over HTTP and over gRPC, as the `OTEL_EXPORTER_OTLP_*` variables say."""

import contextlib
import gzip
import http.client
import os
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

import grpc

from telemetry.export import Answer, Transport
from telemetry.otlp import rejected_spans

GRPC_PORT = 4317
TRY_AGAIN = frozenset({429, 502, 503, 504})
GRPC_TRY_AGAIN = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def transport_from_environment(environ: Mapping[str, str] = os.environ) -> Transport | None:
    """None when nothing is to be exported. Raises ValueError when a variable makes no sense."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    own, common = _variable(environ, "TRACES_ENDPOINT"), _variable(environ, "ENDPOINT")
    endpoint = own or common
    if not endpoint:
        return None
    url = urlsplit(endpoint if "//" in endpoint else f"http://{endpoint}")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"OTEL_EXPORTER_OTLP_ENDPOINT is {endpoint!r}, must be a URL such as http://localhost:4318")
    headers = _headers(_setting(environ, "HEADERS", ""))
    timeout = float(_setting(environ, "TIMEOUT", "10"))
    compress = _setting(environ, "COMPRESSION", "none") == "gzip"
    protocol = _setting(environ, "PROTOCOL", "grpc" if url.port == GRPC_PORT else "http/protobuf")
    if protocol == "grpc":
        return GrpcTransport(url, headers, timeout, compress=compress)
    if protocol == "http/protobuf":
        path = url.path if own else f"{url.path.rstrip('/')}/v1/traces"
        return HttpTransport(url, path or "/", headers, timeout, compress=compress)
    raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}, must be http/protobuf or grpc")


class HttpTransport:
    """One connection, kept open."""

    def __init__(
        self, url: SplitResult, path: str, headers: Mapping[str, str], timeout: float, *, compress: bool
    ) -> None:
        self._path = path + (f"?{url.query}" if url.query else "")
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "mallbots"} | dict(headers)
        self._compress = compress
        host = url.hostname or "localhost"
        self._connection: http.client.HTTPConnection
        if url.scheme == "https":
            certificate = os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE")
            context = ssl.create_default_context(cafile=certificate)
            self._connection = http.client.HTTPSConnection(host, url.port, timeout=timeout, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, url.port, timeout=timeout)

    def send(self, request: bytes) -> Answer:
        headers = dict(self._headers)
        if self._compress:
            request, headers["Content-Encoding"] = gzip.compress(request, 1), "gzip"
        try:
            self._connection.request("POST", self._path, request, headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(taken=False, again_after=0.0)
        if response.status in TRY_AGAIN:
            return Answer(taken=False, again_after=_seconds(response.headers.get("Retry-After", "")))
        if 200 <= response.status < 300:
            return Answer(taken=True, rejected=rejected_spans(body))
        return Answer(taken=False)

    def close(self) -> None:
        self._connection.close()


class GrpcTransport:
    def __init__(self, url: SplitResult, headers: Mapping[str, str], timeout: float, *, compress: bool) -> None:
        address, compression = f"{url.hostname}:{url.port or GRPC_PORT}", grpc.Compression.Gzip if compress else None
        options = (("grpc.enable_http_proxy", 0),)
        if url.scheme == "https":
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(address, credentials, options, compression)
        else:
            self._channel = grpc.insecure_channel(address, options, compression)
        self._export = self._channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        self._metadata = tuple((key.lower(), value) for key, value in headers.items())
        self._timeout = timeout

    def send(self, request: bytes) -> Answer:
        try:
            response: bytes = self._export(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            again = isinstance(error, grpc.Call) and error.code() in GRPC_TRY_AGAIN
            return Answer(taken=False, again_after=0.0 if again else None)
        return Answer(taken=True, rejected=rejected_spans(response))

    def close(self) -> None:
        self._channel.close()


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _setting(environ: Mapping[str, str], name: str, default: str) -> str:
    """That of traces goes before the one of all signals."""
    return _variable(environ, f"TRACES_{name}") or _variable(environ, name) or default


def _headers(text: str) -> dict[str, str]:
    """`key=value` pairs, separated by commas, their values URL-encoded, as W3C baggage writes them."""
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs}


def _seconds(retry_after: str) -> float:
    """0 when nothing was said that can be read."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(retry_after))
    return 0.0
