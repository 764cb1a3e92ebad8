"""OTLP over HTTP and over gRPC, as the `OTEL_EXPORTER_OTLP_*` variables say."""

import contextlib
import gzip
import http.client
import math
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from telemetry.export import Answer, Transport
from telemetry.otlp import partial_success

GRPC_PORT = 4317
TRY_AGAIN = frozenset({429, 502, 503, 504})
GRPC_TRY_AGAIN = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, and how. `certificate` is what the receiver's is checked with; `client`: the own one, its key."""

    url: SplitResult
    headers: Mapping[str, str]
    timeout: float
    compress: bool
    certificate: str = ""
    client: tuple[str, str] = ("", "")

    @property
    def host(self) -> str:
        return self.url.hostname or ""

    @property
    def is_secure(self) -> bool:
        return self.url.scheme == "https"


def transport_from_environment(environ: Mapping[str, str] = os.environ) -> Transport | None:
    """None when nothing is to be exported. Raises ValueError when a variable makes no sense."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    own, common = _variable(environ, "TRACES_ENDPOINT"), _variable(environ, "ENDPOINT")
    if not (own or common):
        return None
    url = _url(own or common)
    target = Target(
        url,
        _with_login(_headers(_setting(environ, "HEADERS", "")), url),
        _timeout(_setting(environ, "TIMEOUT", "10")),
        _choice("COMPRESSION", _setting(environ, "COMPRESSION", "none"), "none", "gzip") == "gzip",
        _setting(environ, "CERTIFICATE", ""),
        (_setting(environ, "CLIENT_CERTIFICATE", ""), _setting(environ, "CLIENT_KEY", "")),
    )
    default = "grpc" if url.port == GRPC_PORT else "http/protobuf"
    protocol = _choice("PROTOCOL", _setting(environ, "PROTOCOL", default), "http/protobuf", "grpc")
    try:
        if protocol == "grpc":
            return GrpcTransport(target)
        return HttpTransport(target, (url.path or "/") if own else f"{url.path.rstrip('/')}/v1/traces")
    except OSError as error:
        raise ValueError(f"OTEL_EXPORTER_OTLP_CERTIFICATE or one of the client's cannot be used: {error}") from error


class HttpTransport:
    """One connection, kept open."""

    def __init__(self, target: Target, path: str) -> None:
        self._path = path + (f"?{target.url.query}" if target.url.query else "")
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "mallbots"} | dict(target.headers)
        self._compress = target.compress
        port, timeout = target.url.port, target.timeout
        self._connection = http.client.HTTPConnection(target.host, port, timeout=timeout)
        if target.is_secure:
            self._connection = http.client.HTTPSConnection(
                target.host, port, timeout=timeout, context=_ssl_context(target)
            )

    def send(self, request: bytes) -> Answer:
        was_open = self._connection.sock is not None
        try:
            return self._post(request)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()
            if was_open and not isinstance(error, TimeoutError):  # a receiver may close a connection that was idle
                return self.send(request)
            return Answer(taken=False, again_after=0.0, reason=str(error) or repr(error))

    def close(self) -> None:
        self._connection.close()

    def _post(self, request: bytes) -> Answer:
        headers = dict(self._headers)
        if self._compress:
            request, headers["Content-Encoding"] = gzip.compress(request, 1), "gzip"
        self._connection.request("POST", self._path, request, headers)
        response = self._connection.getresponse()
        body, reason = response.read(), f"the receiver answers {response.status} {response.reason}"
        if response.status in TRY_AGAIN:
            return Answer(taken=False, again_after=_seconds(response.headers.get("Retry-After", "")), reason=reason)
        if 200 <= response.status < 300:
            return _taken(body)
        return Answer(taken=False, reason=reason)


class GrpcTransport:
    def __init__(self, target: Target) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        address, options = f"{host}:{target.url.port or GRPC_PORT}", (("grpc.enable_http_proxy", 0),)
        compression = grpc.Compression.Gzip if target.compress else grpc.Compression.NoCompression
        if target.is_secure:
            self._channel = grpc.secure_channel(address, _channel_credentials(target), options, compression)
        else:
            self._channel = grpc.insecure_channel(address, options, compression)
        self._export = self._channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
        self._metadata = tuple((key.lower(), value) for key, value in target.headers.items())
        self._timeout = target.timeout

    def send(self, request: bytes) -> Answer:
        try:
            response: bytes = self._export(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
            return Answer(False, 0, _again_after(error), f"the receiver answers {code.name}: {details}")
        except ValueError as error:  # the channel has been closed
            return Answer(taken=False, again_after=0.0, reason=str(error))
        return _taken(response)

    def close(self) -> None:
        self._channel.close()


def _taken(response: bytes) -> Answer:
    rejected, reason = partial_success(response)
    return Answer(taken=True, rejected=rejected, reason=f"the receiver rejects {rejected}: {reason}")


def _again_after(error: Any) -> float | None:
    """What the receiver wants; without a wish of its own, one that is exhausted shall not be asked again."""
    wanted = error_details_pb2.RetryInfo()
    with contextlib.suppress(ValueError, DecodeError):  # details that cannot be read say nothing
        status: Any = rpc_status.from_call(error)
        for detail in status.details if status else ():
            if detail.Unpack(wanted):
                return float(max(0, wanted.retry_delay.seconds))
    return 0.0 if error.code() in GRPC_TRY_AGAIN else None


def _ssl_context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.certificate or None)
    certificate, key = target.client
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context


def _channel_credentials(target: Target) -> grpc.ChannelCredentials:
    certificate, key = target.client
    files = (target.certificate, key, certificate)
    return grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _setting(environ: Mapping[str, str], name: str, default: str) -> str:
    """That of traces goes before the one of all signals."""
    return _variable(environ, f"TRACES_{name}") or _variable(environ, name) or default


def _url(endpoint: str) -> SplitResult:
    with contextlib.suppress(ValueError):
        url = urlsplit(endpoint if "//" in endpoint else f"http://{endpoint}")
        if url.scheme in ("http", "https") and url.hostname and url.port != 0 and endpoint.isascii():
            return url
    shown = endpoint.rpartition("@")[2]
    raise ValueError(f"OTEL_EXPORTER_OTLP_ENDPOINT is {shown!r}, must be a URL such as http://localhost:4318")


def _with_login(headers: dict[str, str], url: SplitResult) -> dict[str, str]:
    """What an address such as http://name:password@host asks for, unless a header says how to log in."""
    if url.username is None or "authorization" in map(str.lower, headers):
        return headers
    login = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return headers | {"authorization": f"Basic {b64encode(login.encode()).decode()}"}


def _choice(name: str, value: str, *known: str) -> str:
    if value.lower() not in known:
        raise ValueError(f"OTEL_EXPORTER_OTLP_{name} is {value!r}, must be {' or '.join(known)}")
    return value.lower()


def _timeout(text: str) -> float:
    """In seconds, as the SDK takes it."""
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < math.inf:
            return seconds
    raise ValueError(f"OTEL_EXPORTER_OTLP_TIMEOUT is {text!r}, must be a number of seconds above 0")


def _headers(text: str) -> dict[str, str]:
    """`key=value` pairs, separated by commas, their values URL-encoded, as W3C baggage writes them."""
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    headers = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
    for key, value in headers.items():
        if not (_HEADER_NAME.fullmatch(key) and value.isascii() and value.isprintable()):
            raise ValueError(f"OTEL_EXPORTER_OTLP_HEADERS: {key!r} is no header, or its value cannot be sent")
    return headers


def _seconds(retry_after: str) -> float:
    """0 when nothing was said that can be read."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(retry_after))
    return 0.0
