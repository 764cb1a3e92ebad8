"""Metrics as Prometheus reads them: declared, bounded, with exemplars, over HTTP."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from telemetry.metrics import Meter, MetricsServer, serve_metrics
from telemetry.registry import METRICS, Instrument
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from tests.support.otlp import measured

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
MOST_EXEMPLAR_CHARACTERS = 128
LONGEST_ID = 36


@pytest.fixture
def meter() -> Meter:
    return Meter("depot")


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def server(meter: Meter, troubles: list[str]) -> Iterator[MetricsServer]:
    server = serve_metrics(meter, "127.0.0.1:0", lambda: troubles)
    yield server
    server.close()


def get(server: MetricsServer, path: str, accept: str = "") -> tuple[str, str]:
    """Content type and text."""
    with urlopen(Request(f"http://{server.address}{path}", headers={"Accept": accept}), timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/nothing"])
def test_whoever_asks_for_the_head_alone_gets_it(server: MetricsServer, path: str) -> None:
    with closing(HTTPConnection(server.address, timeout=20)) as connection:
        connection.request("HEAD", path)
        head = connection.getresponse()
        nothing = head.read()
        connection.request("GET", path)
        whole = connection.getresponse()
        text = whole.read()

    assert (head.status, head.headers["Content-Type"]) == (whole.status, whole.headers["Content-Type"])
    assert (nothing, len(text)) == (b"", int(head.headers["Content-Length"]))


def families(text: str) -> list[Any]:
    return [*text_string_to_metric_families(text)]  # type: ignore[no-untyped-call]  # it has no types


@pytest.mark.parametrize(
    ("kind", "name", "labels"),
    [
        ("counter", "mallbots_no_such_total", {}),
        ("counter", "mallbots_retries_total", {}),
        ("counter", "mallbots_retries_total", {"group": "depot", "order_id": "7"}),
        ("counter", "mallbots_retries_total", {"groups": "depot"}),
        ("gauge", "mallbots_retries_total", {"group": "depot"}),
        ("histogram", "mallbots_parked", {"group": "depot"}),
        ("gauge", "mallbots_event_critical_seconds", {"type": "a.B", "group": "depot"}),
    ],
)
def test_what_is_not_declared_is_refused(kind: str, name: str, labels: dict[str, str], meter: Meter) -> None:
    with pytest.raises(ValueError, match=r"is not in telemetry/registry\.py"):
        getattr(meter, kind)(name, **labels)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_all_that_is_declared_can_be_measured(metric: Any, meter: Meter, server: MetricsServer) -> None:
    labels = {label: f"some {label}" for label in metric.labels}
    match metric.instrument:
        case Instrument.COUNTER:
            meter.counter(metric.name, **labels).inc()
        case Instrument.GAUGE:
            meter.gauge(metric.name, **labels).set(1)
        case Instrument.HISTOGRAM:
            meter.histogram(metric.name, **labels).observe(0.1)

    [family] = families(get(server, "/metrics", OPEN_METRICS)[1])
    assert family.type == metric.instrument
    assert family.documentation == metric.question
    assert all(sample.labels.items() >= {**labels, "context": "depot"}.items() for sample in family.samples)


def test_the_same_labels_are_the_same_child(meter: Meter) -> None:
    one = meter.counter("mallbots_deliveries_total", group="depot", outcome="applied")
    same = meter.counter("mallbots_deliveries_total", outcome="applied", group="depot")
    other = meter.counter("mallbots_deliveries_total", group="depot", outcome="dead")

    one.inc()
    same.inc(2)
    other.inc()

    assert measured(meter, "mallbots_deliveries_total", {"group": "depot", "outcome": "applied"}) == 3
    assert measured(meter, "mallbots_deliveries_total", {"group": "depot", "outcome": "dead"}) == 1


def test_counted_from_many_threads_at_once(meter: Meter) -> None:
    def count() -> None:
        for number in range(500):
            meter.counter("mallbots_retries_total", group=f"group {number % 10}").inc()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [measured(meter, "mallbots_retries_total", {"group": f"group {number}"}) for number in range(10)] == [
        200.0
    ] * 10


def test_exemplars_lead_to_the_trace(meter: Meter, server: MetricsServer) -> None:
    span = Tracer(CapturedSpans()).span("process ordering.OrderApproved")
    exemplar = {"trace_id": span.trace_id_hex, "span_id": span.span_id_hex}

    meter.histogram("mallbots_event_critical_seconds", type="a.B", group="depot").observe(0.3, exemplar)

    kind, text = get(server, "/metrics", OPEN_METRICS)
    [family] = families(text)
    [shown] = [sample.exemplar for sample in family.samples if sample.exemplar]
    assert kind.startswith("application/openmetrics-text")
    assert (shown.labels, shown.value) == (exemplar, 0.3)


def test_exemplars_have_room_for_an_event_id() -> None:
    names = ("trace_id", "span_id", "event_id")

    assert sum(map(len, names)) + 32 + 16 + LONGEST_ID <= MOST_EXEMPLAR_CHARACTERS


def test_an_exemplar_that_is_too_long_is_refused(meter: Meter) -> None:
    duration = meter.histogram("mallbots_event_critical_seconds", type="a.B", group="depot")

    with pytest.raises(ValueError, match="128"):
        duration.observe(0.3, {"trace_id": "a" * 32, "span_id": "b" * 16, "event_id": "c" * 80})


def test_an_older_prometheus_reads_it_too(meter: Meter, server: MetricsServer) -> None:
    meter.counter("mallbots_retries_total", group="depot").inc()

    kind, text = get(server, "/metrics", "text/plain")

    assert kind.startswith("text/plain")
    assert 'mallbots_retries_total{context="depot",group="depot"} 1.0' in text


def test_buckets_hold_the_objectives_exactly() -> None:
    objectives = {0.1, 0.25, 0.5, 1.0, 5.0}
    histograms = [metric for metric in METRICS.values() if metric.instrument is Instrument.HISTOGRAM]

    assert objectives <= {*METRICS["mallbots_event_critical_seconds"].buckets}
    assert objectives <= {*METRICS["rpc_server_call_duration_seconds"].buckets}
    assert all(list(metric.buckets) == sorted({*metric.buckets}) for metric in histograms)


def test_is_well_unless_something_is_wrong(server: MetricsServer, troubles: list[str]) -> None:
    well = json.loads(get(server, "/healthz")[1])
    troubles.append("nothing can be published: Redis is away")
    degraded = json.loads(get(server, "/healthz")[1])

    assert well == {"status": "ok", "troubles": []}
    assert degraded == {"status": "degraded", "troubles": ["nothing can be published: Redis is away"]}


@pytest.mark.parametrize("path", ["/", "/metric", "/metrics/", "/healthz/x"])
def test_there_is_nothing_else(path: str, server: MetricsServer) -> None:
    with pytest.raises(HTTPError) as refused:
        get(server, path)

    assert refused.value.code == 404
    assert refused.value.read() == b"there is /metrics /healthz /livez /readyz\n"


def test_a_query_is_ignored(server: MetricsServer) -> None:
    assert get(server, "/healthz?from=somewhere") == get(server, "/healthz")


def test_a_scraper_that_hangs_up_does_no_harm(server: MetricsServer, capfd: pytest.CaptureFixture[str]) -> None:
    host, port = server.address.split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as scraper:
            scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # hangs up with a reset
            scraper.sendall(b"GET /metrics HTTP/1.1\r\n")

    assert get(server, "/healthz")[1]
    assert capfd.readouterr().err == ""


@given(amounts=st.lists(st.floats(0, 400), min_size=1, max_size=50))
def test_a_batch_counts_as_each_of_its_amounts_would(amounts: list[float]) -> None:
    at_once, one_by_one = Meter("depot"), Meter("depot")

    at_once.histogram("mallbots_commit_seconds").observe_many(amounts, lambda at: {"span_id": f"{at}"})
    for at, amount in enumerate(amounts):
        one_by_one.histogram("mallbots_commit_seconds").observe(amount, {"span_id": f"{at}"})

    told, expected = [*samples(at_once)], [*samples(one_by_one)]
    assert [(name, labels) for name, labels, *_ in told] == [(name, labels) for name, labels, *_ in expected]
    assert [value for *_, value, _ in told] == pytest.approx([value for *_, value, _ in expected])
    assert [exemplar for *_, exemplar in told] == [exemplar for *_, exemplar in expected]


def test_what_leads_nowhere_is_left_out(meter: Meter) -> None:
    histogram = meter.histogram("mallbots_commit_seconds")

    histogram.observe_many([0.1, 200.0], lambda at: {"span_id": "kept"} if at else None)

    assert [exemplar for *_, exemplar in samples(meter) if exemplar] == [({"span_id": "kept"}, 200.0)]


def samples(meter: Meter) -> Iterator[tuple[str, dict[str, str], float, tuple[dict[str, str], float] | None]]:
    """Without when they were made."""
    for family in meter.registry.collect():
        for each in family.samples:
            if not each.name.endswith("_created"):
                exemplar = (dict(each.exemplar.labels), each.exemplar.value) if each.exemplar else None
                yield each.name, dict(each.labels), each.value, exemplar
