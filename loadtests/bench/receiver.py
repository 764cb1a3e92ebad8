"""A receiver of OTLP in a process of its own: decodes every span, and counts the different ones by name."""

import gzip
import json
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Counts:
    """A span that arrives twice counts once."""

    def __init__(self) -> None:
        self._ids: dict[str, set[bytes]] = defaultdict(set)
        self._lock = Lock()

    def take(self, request: ExportTraceServiceRequest) -> None:
        with self._lock:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._ids[span.name].add(span.trace_id + span.span_id)

    def read(self) -> dict[str, int]:
        with self._lock:
            return {name: len(ids) for name, ids in self._ids.items()}

    def clear(self) -> None:
        with self._lock:
            self._ids.clear()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = Counts()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.counts.take(ExportTraceServiceRequest.FromString(plain))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(json.dumps(self.counts.read()).encode())

    def do_DELETE(self) -> None:
        self.counts.clear()
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> None:
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
