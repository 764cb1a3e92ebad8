"""Spans over HTTP: what a receiver is sent, and what its answers mean."""

import gzip
import socket
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from telemetry.export import Answer
from telemetry.transports import transport_from_environment
from tests.support.receivers import ONE_SPAN, PARTIAL, posted, transport


@pytest.mark.parametrize(
    ("path", "own", "asked"),
    [
        ("", "", "/v1/traces"),
        ("/", "", "/v1/traces"),
        ("/base", "", "/base/v1/traces"),
        ("/base/", "", "/base/v1/traces"),
        ("", "/elsewhere", "/elsewhere"),
        ("", "/elsewhere?tenant=1", "/elsewhere?tenant=1"),
        ("/base", "/", "/"),
    ],
)
def test_posts_to_the_path_that_is_meant(path: str, own: str, asked: str) -> None:
    with posted() as receiver:
        traces = {"TRACES_ENDPOINT": receiver.endpoint + own} if own else {}
        sender = transport(receiver.endpoint + path, **traces)
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert answer.taken
    assert receiver.paths == [asked]
    assert ExportTraceServiceRequest.FromString(receiver.bodies[0]).resource_spans


def test_an_endpoint_for_traces_is_enough() -> None:
    with posted() as receiver:
        sender = transport_from_environment({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.endpoint})
        assert sender
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert answer == Answer(taken=True, reason=answer.reason)
    assert receiver.paths == ["/"]


def test_headers_are_sent_decoded() -> None:
    with posted() as receiver:
        sender = transport(receiver.endpoint, HEADERS="authorization=Bearer%20a%3Db , x-tenant = mall,nonsense")
        sender.send(ONE_SPAN)
        sender.close()

    [headers] = receiver.headers
    assert (headers["authorization"], headers["x-tenant"]) == ("Bearer a=b", "mall")
    assert headers["content-type"] == "application/x-protobuf"
    assert "nonsense" not in headers


@pytest.mark.parametrize(
    ("headers", "sent"), [("", "Basic bWFsbDpwQHNz"), ("Authorization=Bearer%20x", "Bearer x")], ids=["login", "header"]
)
def test_an_address_may_say_who_sends(headers: str, sent: str) -> None:
    with posted() as receiver:
        sender = transport(receiver.endpoint.replace("://", "://mall:p%40ss@"), HEADERS=headers)
        assert sender
        sender.send(b"")
        sender.close()

    assert receiver.headers[0]["authorization"] == sent


def test_a_refused_address_shows_no_password() -> None:
    with pytest.raises(ValueError, match="is 'host:port', must be a URL") as refused:
        transport("ftp://mall:hunter2@host:port")

    assert "hunter2" not in str(refused.value)


def test_those_for_traces_go_first() -> None:
    with posted() as receiver:
        sender = transport(
            receiver.endpoint, HEADERS="a=1,b=2", TRACES_HEADERS="a=3", COMPRESSION="none", TRACES_COMPRESSION="gzip"
        )
        sender.send(ONE_SPAN)
        sender.close()

    [headers], [body] = receiver.headers, receiver.bodies
    assert headers["a"] == "3"
    assert "b" not in headers
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == ONE_SPAN


def test_one_connection_is_kept_open() -> None:
    with posted() as receiver:
        sender = transport(receiver.endpoint)
        for _ in range(3):
            assert sender.send(ONE_SPAN).taken
        sender.close()

    assert len(receiver.connections) == 1


def test_a_connection_that_was_closed_meanwhile_is_no_trouble() -> None:
    hang_up = (200, {"X-Hang-Up": "1"}, b"")
    with posted(hang_up, hang_up) as receiver:
        sender = transport(receiver.endpoint)
        answers = [sender.send(ONE_SPAN) for _ in range(3)]
        sender.close()

    assert [answer.taken for answer in answers] == [True, True, True]
    assert len(receiver.bodies) == 3


@pytest.mark.parametrize(
    ("status", "headers", "again_after"),
    [
        (429, {}, 0.0),
        (502, {}, 0.0),
        (503, {"Retry-After": "7"}, 7.0),
        (504, {"Retry-After": "-7"}, 0.0),
        (503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        (503, {"Retry-After": "nan"}, 0.0),
        (400, {}, None),
        (401, {"Retry-After": "7"}, None),
        (404, {}, None),
        (413, {}, None),
        (500, {}, None),
        (302, {"Location": "http://127.0.0.1:1/"}, None),
    ],
)
def test_statuses_are_understood(
    status: int,
    headers: dict[str, str],
    again_after: float | None,
) -> None:
    with posted((status, headers, b"sorry")) as receiver:
        sender = transport(receiver.endpoint)
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert (answer.taken, answer.again_after) == (False, again_after)
    assert f"answers {status}" in answer.reason


def test_partial_success_is_understood() -> None:
    with posted((200, {}, PARTIAL), (202, {}, b"<html>ok</html>")) as receiver:
        sender = transport(receiver.endpoint)
        answers = [sender.send(ONE_SPAN), sender.send(ONE_SPAN)]
        sender.close()

    assert [answer.rejected for answer in answers] == [2, 0]
    assert answers[0] == Answer(taken=True, rejected=2, reason="the receiver rejects 2: too odd")


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_nobody_there_is_asked_again(protocol: str) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        sender = transport(f"http://127.0.0.1:{reserved.getsockname()[1]}", PROTOCOL=protocol, TIMEOUT="5")
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert (answer.taken, answer.again_after) == (False, 0.0)
    assert answer.reason


def test_no_such_host_is_asked_again() -> None:
    sender = transport(f"http://{'a' * 70}.invalid:4318")

    answer = sender.send(ONE_SPAN)

    assert (answer.taken, answer.again_after) == (False, 0.0)


def test_a_receiver_that_hangs_is_left_in_time() -> None:
    with posted() as receiver:
        receiver.hang.clear()
        sender = transport(receiver.endpoint, TIMEOUT="20", TRACES_TIMEOUT="0.2")
        started = time.monotonic()
        answer = sender.send(ONE_SPAN)
        took = time.monotonic() - started
        receiver.hang.set()
        sender.close()

    assert (answer.taken, answer.again_after) == (False, 0.0)
    assert took < 15
