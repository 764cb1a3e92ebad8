"""gRPC clients: one async method per rpc, a deadline on every call, statuses turned back into the platform's errors."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mallbots_platform.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    Overloaded,
    PlatformError,
    RuleViolated,
    Unavailable,
)
from telemetry.bundle import Telemetry
from telemetry.metrics import Histogram
from telemetry.propagation import inject
from telemetry.tracing import Kind

OPTIONS = (
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),  # in spite of its name: the time that one attempt to connect is given
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
DEADLINE_SECONDS = 5.0
# A server that leaves cancels what it could not finish, and gRPC's core what has come on top of far too much.
AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}
# What grpc says by itself where a server has more calls than it may have, without a hint.
GRPC_IS_FULL = ("Concurrent RPC limit exceeded", "Too many pending requests")
GRPC_PAUSE = 0.1
SHORTEST_PAUSE = 0.01
Metadata = Sequence[tuple[str, str]]


class Refused(RuleViolated):
    """The other side's rules forbid it; `code` names the refusal's class there."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def open_channel(address: str, telemetry: Telemetry | None = None) -> grpc.aio.Channel:
    """Calls over it are traced and measured when `telemetry` is given to their client."""
    return grpc.aio.insecure_channel(address, options=OPTIONS)


class Client:
    """Its methods are named after the service's, and take `(request, *, timeout=5.0, metadata=())`."""

    def __init__(self, channel: grpc.aio.Channel, service: ServiceDescriptor, telemetry: Telemetry | None) -> None:
        for method in service.methods:
            setattr(self, method.name, _Call(channel, method, telemetry))

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        raise AttributeError(f"the service has no method {name}")


def client_for(channel: grpc.aio.Channel, service: ServiceDescriptor, telemetry: Telemetry | None = None) -> Client:
    return Client(channel, service, telemetry)


class _Call:
    def __init__(self, channel: grpc.aio.Channel, method: MethodDescriptor, telemetry: Telemetry | None) -> None:
        self._name = f"{method.containing_service.full_name}/{method.name}"
        self._response_type: type[Message] = GetMessageClass(method.output_type)
        self._call: Any = channel.unary_unary(
            f"/{self._name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=self._response_type.FromString,
        )
        self._telemetry = telemetry
        self._attributes = {"rpc.system.name": "grpc", "rpc.method": self._name}
        self._durations: dict[str, Histogram] = {}

    async def __call__(self, request: Message, *, timeout: float = DEADLINE_SECONDS, metadata: Metadata = ()) -> Any:
        """The response. Raises a platform error; Unavailable also when no answer came in time."""
        telemetry = self._telemetry
        if telemetry is None:
            return await self._send(request, timeout, metadata)
        started, status = time.perf_counter(), grpc.StatusCode.CANCELLED.name
        with telemetry.tracer.span(self._name, kind=Kind.CLIENT, attributes=self._attributes) as span:
            try:
                answer = await self._send(request, timeout, (*metadata, *inject(span.context)))
                status = grpc.StatusCode.OK.name
                return answer
            except PlatformError as error:
                status = _status(error)
                raise
            finally:
                span.note({"rpc.response.status_code": status})
                duration = self._durations.get(status) or self._bind(telemetry, status)
                duration.observe(time.perf_counter() - started)

    def _bind(self, telemetry: Telemetry, status: str) -> Histogram:
        duration = self._durations[status] = telemetry.meter.histogram(
            "rpc_client_call_duration_seconds", rpc_method=self._name, status=status
        )
        return duration

    async def _send(self, request: Message, timeout: float, metadata: Metadata) -> Any:
        """Where more is asked than can be done, it is asked again when that is wanted, if there is patience enough;
        nothing was begun, so that this takes no effect twice."""
        until, left = time.monotonic() + timeout, timeout
        for is_last in (False, False, True):
            try:
                return await self._call(request, timeout=left, metadata=tuple(metadata))
            except grpc.aio.AioRpcError as error:
                failure = _platform_error(error)
                pause = failure.again_after * random.uniform(1, 1.5) if isinstance(failure, Overloaded) else math.inf
                left = until - time.monotonic() - pause
                if is_last or left <= 0:
                    raise failure from error
            await asyncio.sleep(pause)


def _status(error: PlatformError) -> str:
    told = error.__cause__
    return told.code().name if isinstance(told, grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN.name


def _platform_error(error: grpc.aio.AioRpcError) -> PlatformError:
    text = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.INVALID_ARGUMENT:
            return _invalid_input(error, text)
        case grpc.StatusCode.NOT_FOUND:
            return _as(NotFound, text)
        case grpc.StatusCode.ALREADY_EXISTS:
            return _as(AlreadyExists, text)
        case grpc.StatusCode.FAILED_PRECONDITION:
            return Refused(_code(error), text)
        case grpc.StatusCode.ABORTED:
            return Conflict(text)
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and (pause := again_after(error)):
        return Overloaded(pause, text)
    if error.code() in AWAY:
        return Unavailable(text)
    return PlatformError(f"{error.code().name}: {text}")


def again_after(error: Any) -> float:
    """In how many seconds the server that refused this call wants it again; 0 where it says nothing of that, as with
    a message that is too large."""
    hint = error_details_pb2.RetryInfo()
    if any(detail.Unpack(hint) for detail in _details(error)):
        return max(SHORTEST_PAUSE, float(hint.retry_delay.ToMilliseconds()) / 1000)
    text = error.details() or ""
    return GRPC_PAUSE if text.startswith(GRPC_IS_FULL) else 0.0


def _invalid_input(error: grpc.aio.AioRpcError, text: str) -> PlatformError:
    request = error_details_pb2.BadRequest()
    for detail in _details(error):
        if detail.Unpack(request) and request.field_violations:
            violation = request.field_violations[0]
            return InvalidInput(violation.field, violation.description)
    return InvalidInput("request", text)


def _details(error: Any) -> Iterable[Any]:
    """Of an error of either kind of channel. What cannot be read says nothing."""
    try:
        status: Any = rpc_status.from_call(error)
    except (ValueError, DecodeError):
        return ()
    return status.details if status else ()


def _code(error: grpc.aio.AioRpcError) -> str:
    trailers: Any = error.trailing_metadata() or ()
    return next((str(value) for key, value in trailers if key == "error-code"), "RuleViolated")


def _as(kind: type[NotFound] | type[AlreadyExists], text: str) -> PlatformError:
    """The error with the words of the other side."""
    found = kind.__new__(kind)
    PlatformError.__init__(found, text)
    found.kind, found.identifier = "", ""
    return found
