"""Receivers of OTLP that remember how they were spoken to, and answer as they are told."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from telemetry.otlp import encode_request, encode_resource, encode_span
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from telemetry.transports import transport_from_environment
from tests.support.otlp import RESOURCE

PARTIAL = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=2, error_message="too odd")
).SerializeToString()


def _one_span() -> bytes:
    span = Tracer(CapturedSpans()).span("x")
    span.end()
    return encode_request(encode_resource(RESOURCE), [(span.scope, encode_span(span))])


ONE_SPAN = _one_span()


def transport(endpoint: str, **variables: str) -> Any:
    """To that endpoint, with other variables by the end of their name."""
    environ = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}
    return transport_from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} | environ)


class Posted:
    """What a server was sent; `answer` is a status, headers and a body."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes], context: ssl.SSLContext | None = None) -> None:
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.connections: set[tuple[str, int]] = set()
        self.hang = threading.Event()
        self.hang.set()
        posted, left = self, list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                posted.connections.add(self.client_address)
                posted.paths.append(self.path)
                posted.headers.append({key.lower(): value for key, value in self.headers.items()})
                posted.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                posted.hang.wait(30)
                status, headers, body = left.pop(0) if left else (200, {}, b"")
                self.send_response(status)
                for key, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(key, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # whoever asked may have given up
                    self.wfile.write(body)
                self.close_connection = headers.get("Connection") == "close" or headers.get("X-Hang-Up") == "1"

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if context else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.server.server_port}"


@contextmanager
def posted(*answers: tuple[int, dict[str, str], bytes], context: ssl.SSLContext | None = None) -> Iterator[Posted]:
    it = Posted(*answers, context=context)
    thread = threading.Thread(target=it.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        it.hang.set()
        it.server.shutdown()
        it.server.server_close()
        thread.join()


class GrpcReceiver:
    """An OTLP/gRPC receiver on a free port, as a context manager; `answer` may refuse through the call's context."""

    def __init__(self, answer: Callable[[grpc.ServicerContext], bytes] = lambda context: b"") -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self._answer = answer
        self._server = grpc.server(ThreadPoolExecutor(4))
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        handlers = {"Export": grpc.unary_unary_rpc_method_handler(self._export)}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        self.metadata.append({key: value for key, value in context.invocation_metadata()})
        response = self._answer(context)
        self.requests.append(ExportTraceServiceRequest.FromString(body))
        return response

    def __enter__(self) -> "GrpcReceiver":
        self._server.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop(0).wait()
