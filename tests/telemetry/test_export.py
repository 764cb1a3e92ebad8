"""Spans leave the process once, in order and within bounds; whatever does not is counted."""

import threading
import time

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from telemetry import export
from telemetry.export import Answer
from tests.support.exporting import FakeTransport, exporting, numbers
from tests.support.otlp import measured, until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "COLLECT_SECONDS", 0.01)
    monkeypatch.setattr(export, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(export, "CLOSE_SECONDS", 20.0)


def test_what_ends_is_sent_in_order() -> None:
    transport = FakeTransport()

    with exporting(transport) as it:
        it.tell(*numbers(500))
        until(lambda: it.count("exported") == 500)

    assert transport.names == numbers(500)
    assert it.counts == (500, 0, 0)
    assert it.reasons == []


def test_what_waits_is_sent_on_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "COLLECT_SECONDS", 3600.0)
    transport = FakeTransport()

    with exporting(transport) as it:
        it.tell(*numbers(100))

    assert transport.names == numbers(100)
    assert it.counts == (100, 0, 0)
    assert transport.closed


def test_closing_twice_counts_once() -> None:
    transport = FakeTransport()

    with exporting(transport) as it:
        it.tell("once")
        it.tracer.close()

    assert it.counts == (1, 0, 0)


def test_what_ends_after_close_is_counted() -> None:
    with exporting(FakeTransport()) as it:
        span = it.tracer.span("late")
    span.end()

    assert it.counts == (0, 1, 0)


def test_ending_a_span_never_waits() -> None:
    transport = FakeTransport()
    transport.hold.clear()

    with exporting(transport) as it:
        it.tell("first")
        transport.under_way.wait(20)
        before = time.perf_counter()
        it.tell(*numbers(100))
        took = time.perf_counter() - before
        transport.hold.set()

    assert took < 1.0
    assert it.counts == (101, 0, 0)


def test_the_queue_is_bounded_in_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "COLLECT_SECONDS", 3600.0)
    transport = FakeTransport()

    with exporting(transport, most_spans=10) as it:
        it.tell(*numbers(25))

    assert transport.names == numbers(10)
    assert it.counts == (10, 15, 0)
    assert it.reasons == ["they end faster than they can be encoded"]


def test_the_queue_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LARGEST_REQUEST", 1)  # each span is a request
    transport = FakeTransport()
    transport.hold.clear()

    with exporting(transport, most_bytes=20_000) as it:
        it.tell(*numbers(100), text="x" * 1_000)
        waiting = until(lambda: it.count("dropped") > 80 and measured(it.meter, "mallbots_telemetry_queue_spans"))
        transport.hold.set()

    exported, dropped, failed = it.counts
    assert 0 < waiting < 20
    assert (exported + dropped, failed) == (100, 0)
    assert sum(map(len, transport.bodies)) < 22_000
    assert it.reasons == ["too many wait for the receiver"]
    assert measured(it.meter, "mallbots_telemetry_queue_spans") == 0


def test_requests_are_of_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LARGEST_REQUEST", 5_000)
    transport = FakeTransport()

    with exporting(transport) as it:
        it.tell(*numbers(50), text="x" * 1_000)

    assert len(transport.bodies) >= 10
    assert max(map(len, transport.bodies)) < 7_000
    assert transport.names == numbers(50)


class Instrumented(FakeTransport):
    """Asks, as an instrumented client does, whether it is to make a span of its own."""

    enabled = True

    def send(self, request: bytes) -> Answer:
        self.enabled = is_instrumentation_enabled()
        return super().send(request)


def test_sending_spans_makes_no_spans() -> None:
    transport = Instrumented()

    with exporting(transport) as it:
        it.tell("x")

    assert transport.bodies
    assert not transport.enabled
    assert is_instrumentation_enabled()


def test_many_threads_lose_nothing() -> None:
    transport = FakeTransport()

    with exporting(transport) as it:
        threads = [threading.Thread(target=it.tell, args=numbers(200)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(transport.names) == sorted(numbers(200) * 8)
    assert it.counts == (1600, 0, 0)
