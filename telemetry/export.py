"""Gets spans out of the process: encoded once, bounded in memory, sent again until they are taken, drops counted."""

import math
import threading
import time
from collections import deque
from typing import Any, NamedTuple, Protocol

from opentelemetry import context as otel_context

from telemetry.metrics import Meter
from telemetry.otlp import encode_request, encode_span
from telemetry.spans import Scope, Span

MOST_WAITING_SPANS = 20_000
MOST_WAITING_BYTES = 32 << 20
LARGEST_REQUEST = 1 << 20
COLLECT_SECONDS = 0.2
CLOSE_SECONDS = 3.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
LONGEST_WANTED_PAUSE = 300.0
TELL_SECONDS = 60.0


class Answer(NamedTuple):
    """What became of a request: `rejected` spans of it were refused for good; `again_after` seconds, when at all,
    0 when the receiver did not say. `reason` is for people."""

    taken: bool
    rejected: int = 0
    again_after: float | None = None
    reason: str = ""


class Transport(Protocol):
    def send(self, request: bytes) -> Answer:
        """Takes its time, raises nothing."""

    def close(self) -> None: ...


class _Request(NamedTuple):
    body: bytes
    spans: int


class SpanExporter:
    """A `Sink`. One thread encodes what has ended, another one sends; neither ever holds up who ends a span."""

    def __init__(
        self,
        transport: Transport,
        resource: bytes,
        meter: Meter,
        log: Any,
        *,
        most_bytes: int = MOST_WAITING_BYTES,
        most_spans: int = MOST_WAITING_SPANS,
    ) -> None:
        self._transport = transport
        self._resource = resource
        self._log = log
        self._most_bytes = most_bytes
        self._most_spans = most_spans
        self._ended: deque[Span] = deque()
        self._requests: deque[_Request] = deque()
        self._waiting_bytes = 0
        self._waiting_spans = 0
        self._told_at = -math.inf
        self._lock = threading.Lock()
        self._to_send = threading.Event()
        self._closing = threading.Event()
        self._encoded_all = threading.Event()
        self._given_up = threading.Event()
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
        if len(self._ended) >= self._most_spans or self._closing.is_set():
            self._drop(1, "they end faster than they can be encoded")
        else:
            self._ended.append(span)

    def close(self) -> None:
        """Send what waits, but not for ever; what then is left is dropped."""
        if self._closing.is_set():
            return
        self._closing.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up.set()
        self._to_send.set()
        with self._lock:
            left = self._waiting_spans + len(self._ended)
            self._requests.clear()
        if left:
            self._drop(left, "the process ends, and the receiver has not taken them")
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
                if encoded := self._encoded(span):
                    spans.append((span.scope, encoded))
                    size += len(encoded)
            if spans:
                self._enqueue(_Request(encode_request(self._resource, spans), len(spans)))

    def _encoded(self, span: Span) -> bytes:
        """Nothing, when a library has put something into it that cannot be said: that span alone is lost."""
        try:
            return encode_span(span)
        except Exception as error:
            self._failed.inc()
            self._tell(f"{span.name} cannot be encoded: {error!r}")
            return b""

    def _enqueue(self, request: _Request) -> None:
        with self._lock:
            fits = self._waiting_bytes + len(request.body) <= self._most_bytes and not self._given_up.is_set()
            if fits:
                self._requests.append(request)
                self._note_waiting(len(request.body), request.spans)
        if fits:
            self._to_send.set()
        else:
            self._drop(request.spans, "too many wait for the receiver")

    def _send(self) -> None:
        otel_context.attach(otel_context.set_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, True))
        pause = FIRST_PAUSE
        while request := self._next():
            started = time.perf_counter()
            answer = self._transport.send(request.body)
            self._seconds.observe(time.perf_counter() - started)
            if answer.again_after is None:
                pause = FIRST_PAUSE
                self._done(request, answer)
            else:
                self._tell(answer.reason)
                self._wait_before_next(min(answer.again_after, LONGEST_WANTED_PAUSE) or pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _next(self) -> _Request | None:
        """The oldest request; None when there will be no more."""
        while not self._given_up.is_set():
            with self._lock:
                if self._requests:
                    return self._requests[0]
            if self._encoded_all.is_set():
                return None
            self._to_send.wait()
            self._to_send.clear()
        return None

    def _wait_before_next(self, seconds: float) -> None:
        """Somebody who leaves does not wait long."""
        if self._closing.is_set():
            self._given_up.wait(min(seconds, FIRST_PAUSE))
        else:
            self._closing.wait(seconds)

    def _done(self, request: _Request, answer: Answer) -> None:
        with self._lock:
            if not self._requests:  # given up, and counted, while it was under way
                return
            self._requests.popleft()
            self._note_waiting(-len(request.body), -request.spans)
        rejected = min(max(0, answer.rejected), request.spans) if answer.taken else request.spans
        if rejected:
            self._tell(answer.reason)
            self._failed.inc(rejected)
        self._exported.inc(request.spans - rejected)

    def _note_waiting(self, size: int, spans: int) -> None:
        self._waiting_bytes += size
        self._waiting_spans += spans
        self._queue.set(self._waiting_spans)

    def _drop(self, count: int, reason: str) -> None:
        self._dropped.inc(count)
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        """The metric counts them all; a line a minute is enough for people."""
        now = time.monotonic()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._log.warning("spans not delivered", reason=reason)
