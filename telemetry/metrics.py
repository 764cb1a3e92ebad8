"""Metrics of one process: declared in the registry, bound once, served as OpenMetrics with exemplars."""

import sys
import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol, TypeVar, cast

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar

from telemetry.registry import METRICS, Instrument, Metric

ExemplarOf = Callable[[int], dict[str, str] | None]
Complaints = Callable[[], Sequence[str]]


class Counter(Protocol):
    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None: ...


class Gauge(Protocol):
    def set(self, value: float) -> None: ...


class Histogram(Protocol):
    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None: ...
    def observe_many(self, amounts: Sequence[float], exemplar_of: ExemplarOf | None = None) -> None: ...


C = TypeVar("C", Counter, Gauge, Histogram)


class _Histogram(PrometheusHistogram):
    """Takes what a batch has measured at once, with one lock a bucket instead of two an amount."""

    def observe_many(self, amounts: Sequence[float], exemplar_of: ExemplarOf | None = None) -> None:
        """As `observe` for each of them. The last of each bucket gives the exemplar, told by its position."""
        found, last = Tally[int](), dict[int, int]()
        for position, amount in enumerate(amounts):
            bucket = bisect_left(self._upper_bounds, amount)
            found[bucket] += 1
            last[bucket] = position
        self._sum.inc(sum(amounts))
        for bucket, count in found.items():
            self._buckets[bucket].inc(count)
            at = last[bucket]
            if exemplar_of is not None and (exemplar := exemplar_of(at)):
                self._buckets[bucket].set_exemplar(Exemplar(exemplar, amounts[at], time.time()))


class Meter:
    """Gives out a metric with its labels bound, the same one for the same labels: keep it where it is used often."""

    def __init__(self, context: str = "") -> None:
        self.context = context
        self.registry = CollectorRegistry(auto_describe=False)
        self._families: dict[str, Any] = {}
        self._children: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def counter(self, name: str, **labels: str) -> Counter:
        return cast(Counter, self._child(Instrument.COUNTER, name, labels))

    def gauge(self, name: str, **labels: str) -> Gauge:
        return cast(Gauge, self._child(Instrument.GAUGE, name, labels))

    def histogram(self, name: str, **labels: str) -> Histogram:
        return cast(Histogram, self._child(Instrument.HISTOGRAM, name, labels))

    def _child(self, instrument: Instrument, name: str, labels: Mapping[str, str]) -> Any:
        """Raises ValueError when name, kind or labels are not those of the registry."""
        place = (name, *labels.keys(), *labels.values())
        child = self._children.get(place)
        if child is None:
            metric = METRICS.get(name)
            if metric is None or metric.instrument is not instrument or set(metric.labels) != set(labels):
                raise ValueError(f"{instrument} {name} with labels {sorted(labels)} is not in telemetry/registry.py")
            with self._lock:
                child = self._family(metric).labels(context=self.context, **labels)
                self._children[place] = child
        return child

    def _family(self, metric: Metric) -> Any:
        known = self._families.get(metric.name)
        if known is None:
            known = self._families[metric.name] = _new_family(metric, self.registry)
        return known


def _new_family(metric: Metric, registry: CollectorRegistry) -> Any:
    labels = ("context", *metric.labels)
    if metric.instrument is Instrument.HISTOGRAM:
        return _Histogram(metric.name, metric.question, labels, registry=registry, buckets=metric.buckets)
    kind = PrometheusCounter if metric.instrument is Instrument.COUNTER else PrometheusGauge
    return kind(metric.name, metric.question, labels, registry=registry)


class MetricsServer:
    """`/metrics` for Prometheus; `/healthz`: 200 with `{"status": "ok"}`, or `degraded` and what is wrong. `/livez` and
    `/readyz` say the same of what they are about, with 503 where anything is wrong."""

    def __init__(self, meter: Meter, address: str, health: Complaints, live: Complaints, ready: Complaints) -> None:
        host, _, port = address.rpartition(":")

        class Handler(_Handler):
            pages: ClassVar = {
                "/metrics": _metrics_page(meter),
                "/healthz": _health_page(health, 200),
                "/livez": _health_page(live, 503),
                "/readyz": _health_page(ready, 503),
            }

        self._server = _Server((host.strip("[]"), int(port)), Handler)
        self.address = f"{host}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics-server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _nothing_wrong() -> Sequence[str]:
    return ()


def serve_metrics(
    meter: Meter,
    address: str,
    health: Complaints,
    live: Complaints = _nothing_wrong,
    ready: Complaints = _nothing_wrong,
) -> MetricsServer:
    """Serve on `host:port`, any free port for 0. What is wrong is asked in threads of the server's own."""
    return MetricsServer(meter, address, health, live, ready)


Page = Callable[[str], tuple[int, str, bytes]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A scraper that hangs up early is no news either."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # it only prints them


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[Mapping[str, Page]] = {}
    protocol_version = "HTTP/1.1"
    timeout = 30.0

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            there = " ".join(self.pages)
            self._answer(404, "text/plain; charset=utf-8", f"there is {there}\n".encode())
        else:
            self._answer(*page(self.headers.get("Accept", "")))

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A scrape is no news."""


def _metrics_page(meter: Meter) -> Page:
    def page(accepted: str) -> tuple[int, str, bytes]:
        encode, content_type = choose_encoder(accepted)
        return 200, content_type, encode(meter.registry)

    return page


def _health_page(complaints: Complaints, status_in_trouble: int) -> Page:
    def page(accepted: str) -> tuple[int, str, bytes]:
        troubles = list(complaints())
        status = {"status": "degraded" if troubles else "ok", "troubles": troubles}
        return status_in_trouble if troubles else 200, "application/json", msgspec.json.encode(status)

    return page
