"""Spans over gRPC: what a receiver is sent, and what its statuses mean."""

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.receivers import ONE_SPAN, PARTIAL, GrpcReceiver, transport


def test_grpc_sends_the_same() -> None:
    with GrpcReceiver() as receiver:
        sender = transport(receiver.endpoint, PROTOCOL="grpc", HEADERS="Authorization=Bearer%20x,x-tenant=mall")
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert answer.taken
    assert receiver.requests == [ExportTraceServiceRequest.FromString(ONE_SPAN)]
    assert receiver.metadata[0]["authorization"] == "Bearer x"
    assert receiver.metadata[0]["x-tenant"] == "mall"


def test_grpc_compresses_when_told_to() -> None:
    with GrpcReceiver() as receiver:
        sender = transport(receiver.endpoint, PROTOCOL="grpc", COMPRESSION="gzip")
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert answer.taken
    assert receiver.requests[0].resource_spans


def test_grpc_tells_of_partial_success() -> None:
    with GrpcReceiver(lambda context: PARTIAL) as receiver:
        sender = transport(receiver.endpoint, PROTOCOL="grpc")
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert (answer.taken, answer.rejected) == (True, 2)


def refusing(code: grpc.StatusCode, *details: Any, told: int | None = None) -> Callable[[Any], bytes]:
    """Refuses, with details that go with the status, unless another one is `told`."""

    def refuse(context: Any) -> bytes:
        packed = [AnyMessage() for _ in details]
        for each, detail in zip(packed, details, strict=True):
            each.Pack(detail)
        status = status_pb2.Status(code=code.value[0] if told is None else told, message="no", details=packed)
        if details:
            context.set_trailing_metadata(rpc_status.to_status(status).trailing_metadata)
        context.abort(code, "no")
        return b""

    return refuse


SOON = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3))
NEVER_MIND = error_details_pb2.BadRequest()


@pytest.mark.parametrize(
    ("refuse", "again_after"),
    [
        (refusing(grpc.StatusCode.UNAVAILABLE), 0.0),
        (refusing(grpc.StatusCode.UNAVAILABLE, NEVER_MIND, SOON), 3.0),
        (refusing(grpc.StatusCode.UNAVAILABLE, SOON, told=5), 0.0),
        (refusing(grpc.StatusCode.ABORTED), 0.0),
        (refusing(grpc.StatusCode.DATA_LOSS), 0.0),
        (refusing(grpc.StatusCode.RESOURCE_EXHAUSTED), None),
        (refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, SOON), 3.0),
        (refusing(grpc.StatusCode.INVALID_ARGUMENT), None),
        (refusing(grpc.StatusCode.UNAUTHENTICATED), None),
        (refusing(grpc.StatusCode.UNIMPLEMENTED), None),
    ],
)
def test_grpc_statuses_are_understood(
    refuse: Callable[[Any], bytes],
    again_after: float | None,
) -> None:
    with GrpcReceiver(refuse) as receiver:
        sender = transport(receiver.endpoint, PROTOCOL="grpc", TIMEOUT="20")
        answer = sender.send(ONE_SPAN)
        sender.close()

    assert (answer.taken, answer.again_after) == (False, again_after)
    assert answer.reason.startswith("the receiver answers ")


def test_grpc_leaves_in_time() -> None:
    held = threading.Event()
    with GrpcReceiver(lambda context: b"late" * held.wait(30)) as receiver:
        sender = transport(receiver.endpoint, PROTOCOL="grpc", TIMEOUT="0.2")
        started = time.monotonic()
        answer = sender.send(ONE_SPAN)
        took = time.monotonic() - started
        held.set()
        sender.close()

    assert (answer.taken, answer.again_after) == (False, 0.0)
    assert "DEADLINE_EXCEEDED" in answer.reason
    assert took < 15


def test_a_closed_channel_takes_nothing() -> None:
    sender = transport("http://127.0.0.1:9", PROTOCOL="grpc")
    sender.close()

    assert not sender.send(ONE_SPAN).taken
