"""A receiver that is away, slow, busy or unwilling: spans wait, go again, or are counted as lost, and it is said."""

import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from telemetry import export
from telemetry.export import Answer, SpanExporter
from telemetry.otlp import encode_span
from telemetry.testing import OtlpReceiver
from telemetry.transports import transport_from_environment
from tests.support.exporting import AWAY, Exporting, FakeTransport, exporting, numbers
from tests.support.otlp import until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "COLLECT_SECONDS", 0.01)
    monkeypatch.setattr(export, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(export, "CLOSE_SECONDS", 20.0)


def nobody_is_at_work() -> bool:
    return not any(thread.name in ("span-encoder", "span-sender") for thread in threading.enumerate())


def test_a_retry_encodes_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def counting(span: Any) -> bytes:
        encoded.append(span.name)
        return encode_span(span)

    monkeypatch.setattr(export, "encode_span", counting)
    transport = FakeTransport(AWAY, AWAY, AWAY)

    with exporting(transport) as it:
        it.tell("patient")
        until(lambda: it.count("exported") == 1)

    assert encoded == ["patient"]
    assert len(transport.bodies) == 4
    assert len(set(transport.bodies)) == 1
    assert it.counts == (1, 0, 0)


def test_order_outlives_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LARGEST_REQUEST", 1)
    transport = FakeTransport(*[AWAY] * 5)

    with exporting(transport) as it:
        it.tell(*numbers(20))
        until(lambda: it.count("exported") == 20)

    assert transport.names == ["span 0"] * 5 + numbers(20)
    assert it.reasons == ["nobody listens"]


def test_pauses_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(SpanExporter, "_wait_before_next", lambda self, seconds: pauses.append(seconds))
    monkeypatch.setattr(export, "LONGEST_PAUSE", 0.05)

    with exporting(FakeTransport(*[AWAY] * 5)) as it:
        it.tell("x")
        until(lambda: it.count("exported") == 1)

    assert pauses == [0.01, 0.02, 0.04, 0.05, 0.05]


@pytest.mark.parametrize(("wanted", "waited"), [(0.0, 0.01), (2.5, 2.5), (1e300, 300.0), (float("inf"), 300.0)])
def test_waits_as_long_as_the_receiver_wants(wanted: float, waited: float, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(SpanExporter, "_wait_before_next", lambda self, seconds: pauses.append(seconds))

    with exporting(FakeTransport(AWAY._replace(again_after=wanted))) as it:
        it.tell("x")
        until(lambda: it.count("exported") == 1)

    assert pauses == [waited]


def test_a_refusal_is_final_and_counted() -> None:
    transport = FakeTransport(Answer(taken=False, reason="401 Unauthorized"))

    with exporting(transport) as it:
        it.tell("refused")
        until(lambda: it.count("failed") == 1)
        it.tell("welcome")
        until(lambda: it.count("exported") == 1)

    assert transport.names == ["refused", "welcome"]
    assert it.reasons == ["401 Unauthorized"]


@pytest.mark.parametrize(("rejected", "counts"), [(1, (2, 0, 1)), (3, (0, 0, 3)), (99, (0, 0, 3)), (-5, (3, 0, 0))])
def test_what_is_rejected_in_part_is_counted(
    rejected: int, counts: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "COLLECT_SECONDS", 3600.0)

    with exporting(FakeTransport(Answer(taken=True, rejected=rejected, reason="too odd"))) as it:
        it.tell(*numbers(3))

    assert it.counts == counts
    assert it.reasons == (["too odd"] if counts[2] else [])


def test_a_span_that_cannot_be_encoded_is_lost_alone() -> None:
    transport = FakeTransport()

    with exporting(transport) as it:
        it.tell("before")
        it.tracer.span("from the past").end(end_time=-2)
        it.tell("after")

    assert transport.names == ["before", "after"]
    assert it.counts == (2, 0, 1)
    assert it.reasons[0].startswith("from the past cannot be encoded")


def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CLOSE_SECONDS", 0.3)
    transport = FakeTransport(*[AWAY] * 100_000)

    with exporting(transport) as it:
        it.tell(*numbers(7))
        until(lambda: transport.bodies)
        before = time.monotonic()
    took = time.monotonic() - before

    assert took < 10
    assert it.counts == (0, 7, 0)
    until(nobody_is_at_work)


def test_what_hangs_at_the_end_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CLOSE_SECONDS", 0.3)
    transport = FakeTransport()
    transport.hold.clear()

    with exporting(transport) as it:
        it.tell("stuck")
        transport.under_way.wait(20)
    until(nobody_is_at_work)

    assert it.counts == (0, 1, 0)
    assert it.reasons == ["the process ends, and the receiver has not taken them"]


def test_troubles_are_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = 1000.0, []
    monkeypatch.setattr("telemetry.export.time.monotonic", lambda: now)

    with exporting(FakeTransport(*[Answer(taken=False, reason="no")] * 4)) as it:
        for number, seconds in enumerate((0, 59, 2, 30), start=1):
            now += seconds
            it.tell("x")
            until(partial(is_counted, it, number))
            told.append(len(it.reasons))

    assert told == [1, 1, 2, 2]


def is_counted(it: Exporting, failed: int) -> bool:
    return it.count("failed") == failed


def answers(*statuses: int) -> Callable[[], int]:
    left = list(statuses)
    return lambda: left.pop(0) if left else 200


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_busy_receiver_gets_all_in_the_end(compression: str) -> None:
    with OtlpReceiver(answers(503, 429, 502, 504)) as receiver:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
        }
        with exporting(transport_from_environment(environ)) as it:
            it.tell(*numbers(2_000))
            until(lambda: it.count("exported") == 2_000)

    assert sorted(span.name for span in receiver.spans) == sorted(numbers(2_000))
    assert it.counts == (2_000, 0, 0)


def test_a_receiver_that_comes_late_gets_all() -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with exporting(transport_from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": f"127.0.0.1:{port}"})) as it:
            it.tell(*numbers(50))
            until(lambda: it.reasons)
            with OtlpReceiver(port=port) as receiver:
                until(lambda: it.count("exported") == 50)
                received = [span.name for span in receiver.spans]

    assert received == numbers(50)
    assert it.counts == (50, 0, 0)


def test_a_receiver_that_refuses_is_not_asked_again() -> None:
    asked = []

    def refuse() -> int:
        asked.append(1)
        return 400

    with OtlpReceiver(refuse) as receiver:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        with exporting(transport_from_environment(environ)) as it:
            it.tell("x")
            until(lambda: it.count("failed") == 1)

    assert len(asked) == 1
    assert it.reasons == ["the receiver answers 400 Bad Request"]
