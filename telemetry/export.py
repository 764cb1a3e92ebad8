"""Gets spans out of the process: encoded once, bounded in memory, sent again until they are taken, drops counted."""

import threading
import time
from collections import deque
from typing import NamedTuple, Protocol

from telemetry.metrics import Meter
from telemetry.otlp import encode_request, encode_span
from telemetry.spans import Scope, Span

MOST_WAITING_SPANS = 20_000
MOST_WAITING_BYTES = 32 << 20
LARGEST_REQUEST = 1 << 20
COLLECT_SECONDS = 0.2
CLOSE_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


class Answer(NamedTuple):
    """What became of a request: `rejected` spans of it were refused for good; `again_after` seconds, when at all."""

    taken: bool
    rejected: int = 0
    again_after: float | None = None


class Transport(Protocol):
    def send(self, request: bytes) -> Answer:
        """Takes its time, raises nothing."""

    def close(self) -> None: ...


class _Request(NamedTuple):
    body: bytes
    spans: int


class SpanExporter:
    """A `Sink`. One thread encodes what has ended, another one sends; neither ever holds up who ends a span."""

    def __init__(self, transport: Transport, resource: bytes, meter: Meter, most_bytes: int = MOST_WAITING_BYTES):
        self._transport = transport
        self._resource = resource
        self._most_bytes = most_bytes
        self._ended: deque[Span] = deque()
        self._requests: deque[_Request] = deque()
        self._waiting_bytes = 0
        self._waiting_spans = 0
        self._lock = threading.Lock()
        self._to_send = threading.Event()
        self._closing = threading.Event()
        self._encoded_all = threading.Event()
        self._exported = meter.counter("mallbots_telemetry_spans_total", outcome="exported")
        self._dropped = meter.counter("mallbots_telemetry_spans_total", outcome="dropped")
        self._failed = meter.counter("mallbots_telemetry_spans_total", outcome="failed")
        self._queue = meter.gauge("mallbots_telemetry_queue_spans")
        self._seconds = meter.histogram("mallbots_telemetry_export_seconds")
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._encode, "span-encoder"), (self._send, "span-sender"))
        ]
        for thread in self._threads:
            thread.start()

    def take(self, span: Span) -> None:
        if len(self._ended) >= MOST_WAITING_SPANS or self._closing.is_set():
            self._dropped.inc()
        else:
            self._ended.append(span)

    def close(self) -> None:
        """Send what waits, but not for ever; what then is left is counted as dropped."""
        self._closing.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            left = sum(request.spans for request in self._requests) + len(self._ended)
        if left:
            self._dropped.inc(left)
        self._transport.close()

    def _encode(self) -> None:
        while not self._closing.wait(COLLECT_SECONDS):
            self._collect()
        self._collect()
        self._encoded_all.set()
        self._to_send.set()

    def _collect(self) -> None:
        """All that has ended by now, in requests of a bounded size."""
        while self._ended:
            spans: list[tuple[Scope, bytes]] = []
            size = 0
            while self._ended and size < LARGEST_REQUEST:
                span = self._ended.popleft()
                encoded = encode_span(span)
                spans.append((span.scope, encoded))
                size += len(encoded)
            self._enqueue(_Request(encode_request(self._resource, spans), len(spans)))

    def _enqueue(self, request: _Request) -> None:
        with self._lock:
            if self._waiting_bytes + len(request.body) > self._most_bytes:
                self._dropped.inc(request.spans)
                return
            self._requests.append(request)
            self._waiting_bytes += len(request.body)
            self._waiting_spans += request.spans
            self._queue.set(self._waiting_spans)
        self._to_send.set()

    def _send(self) -> None:
        pause = FIRST_PAUSE
        while request := self._next():
            started = time.perf_counter()
            answer = self._transport.send(request.body)
            self._seconds.observe(time.perf_counter() - started)
            if answer.again_after is not None:
                self._wait_before_next(answer.again_after or pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                continue
            pause = FIRST_PAUSE
            self._done(request, answer)

    def _next(self) -> _Request | None:
        """The oldest request; None when there will be no more."""
        while not self._requests:
            if self._encoded_all.is_set():
                return None
            self._to_send.wait()
            self._to_send.clear()
        return self._requests[0]

    def _wait_before_next(self, seconds: float) -> None:
        """Somebody who leaves does not wait long."""
        if self._closing.is_set():
            time.sleep(min(seconds, FIRST_PAUSE))
        else:
            self._closing.wait(seconds)

    def _done(self, request: _Request, answer: Answer) -> None:
        with self._lock:
            self._requests.popleft()
            self._waiting_bytes -= len(request.body)
            self._waiting_spans -= request.spans
            self._queue.set(self._waiting_spans)
        rejected = answer.rejected if answer.taken else request.spans
        self._exported.inc(request.spans - rejected)
        if rejected:
            self._failed.inc(rejected)
