"""gRPC servers: methods bound by name to a service's descriptor, one place that turns errors into statuses."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from mallbots_platform.clock import now_us
from mallbots_platform.errors import InvalidInput, Overloaded, Unavailable
from mallbots_platform.grpc_errors import SERVER_FAULTS, refuse, status_of
from mallbots_platform.grpc_stock import Health, add_stock
from mallbots_platform.ids import new_id
from mallbots_platform.requests import Incoming
from mallbots_platform.validation import identifier
from telemetry.bundle import Telemetry
from telemetry.metrics import Histogram
from telemetry.propagation import extract
from telemetry.tracing import Kind, Span, TraceContext

LONGEST_CALL_SECONDS = 30.0
LARGEST_MESSAGE = 1 << 20
MOST_CALLS_AT_ONCE = 1000
SHORTEST_PING_INTERVAL_MS = 1_000
# Calls that nobody has looked at yet. More of them gRPC's core cancels by itself, without any Python: where little work
# is asked for too often, refusing would take more time than carrying out.
MOST_PENDING = 100
OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", 4 * LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", SHORTEST_PING_INTERVAL_MS),
    ("grpc.keepalive_permit_without_calls", 1),  # or who keeps an idle connection alive is sent away
    ("grpc.so_reuseport", 0),
    ("grpc.server.max_pending_requests", MOST_PENDING),
    ("grpc.server.max_pending_requests_hard_limit", MOST_PENDING),
)

Prepare = Callable[[Any, Any], Awaitable[object]]
Method = TypeVar("Method", bound=Callable[..., Any])
Metadata = tuple[tuple[str, str | bytes], ...]
Answer = Callable[[Message, "Call"], Awaitable[Message]]


class Calls(Protocol):
    """Where a process carries calls out. `may_read` and `may_write` raise Overloaded where one that is given up after
    so many seconds would wait in vain."""

    def may_read(self, patience: float) -> None: ...
    def may_write(self, patience: float) -> None: ...
    async def read(self, work: Callable[[], Message]) -> Message: ...
    async def write(
        self, incoming: Incoming, work: Callable[[], Message], response_type: type[Message], trace: TraceContext
    ) -> Message: ...


def read(method: Method) -> Method:
    """A method that only looks: it runs in a reader's thread, over one consistent view."""
    method.__dict__["_kind"] = "read"
    return method


@overload
def write(method: Method) -> Method: ...
@overload
def write(*, first: Prepare) -> Callable[[Method], Method]: ...
def write(method: Any = None, *, first: Prepare | None = None) -> Any:
    """A method that changes something: it runs in the writer's transaction, once per idempotency key.

    `first` runs before, outside of any transaction, and may talk to others.
    """

    def mark(marked: Method) -> Method:
        marked.__dict__.update(_kind="write", _first=first)
        return marked

    return mark(method) if method else mark


class GrpcServer:
    def __init__(self, telemetry: Telemetry, calls: Calls) -> None:
        self._telemetry = telemetry
        self._calls = calls
        self._server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MOST_CALLS_AT_ONCE)
        self._health = Health()
        self._services: list[str] = []

    def add(self, api: object, service: ServiceDescriptor) -> None:
        """Serve every method of the service by the one of `api` with its name. Raises TypeError when one is missing."""
        handlers = {}
        for method in service.methods:
            implementation = getattr(api, method.name, None)
            if implementation is None:
                raise TypeError(f"{type(api).__name__} lacks the method {method.name} of {service.full_name}")
            handlers[method.name] = _Handler(method, implementation, api, self._calls, self._telemetry).rpc()
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        self._services.append(service.full_name)

    async def start(self, address: str) -> str:
        """Serve on `host:port`, any free port for 0; the address it got. Raises Unavailable when that is taken."""
        port = self._listen(address)
        add_stock(self._server, self._health, self._services)
        await self._server.start()
        await self.set_serving(True)
        return f"{address.rpartition(':')[0]}:{port}"

    def _listen(self, address: str) -> int:
        try:
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise Unavailable(f"cannot listen on {address}: it is in use, or no address of this machine") from error

    async def set_serving(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *self._services):
            await self._health.set(service, status)

    async def stop(self, grace_seconds: float) -> None:
        """Say so, take no more calls, let those under way finish in time."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


class Call(NamedTuple):
    """What is known of one before its request is looked at; `until` is of the monotonic clock."""

    metadata: Metadata
    received_at: int
    until: float
    trace: TraceContext


class _Handler:
    """One method: decodes, runs, answers; a span, a duration and a status for every call."""

    def __init__(
        self, method: MethodDescriptor, implementation: Any, api: object, calls: Calls, telemetry: Telemetry
    ) -> None:
        self._request_type: type[Message] = GetMessageClass(method.input_type)
        self._response_type: type[Message] = GetMessageClass(method.output_type)
        self._name = f"{method.containing_service.full_name}/{method.name}"
        self._implementation = implementation
        self._calls = calls
        self._telemetry = telemetry
        self._first: Prepare | None = getattr(implementation, "_first", None)
        self._api = api
        self._attributes = {
            "rpc.system.name": "grpc",
            "rpc.method": self._name,
        }
        self._durations: dict[grpc.StatusCode, Histogram] = {}
        kind = getattr(implementation, "_kind", "")
        answers = {"read": self._read, "write": self._write, "": self._await}
        self._answer: Answer = answers[kind]
        self._admit: Callable[[float], None] = getattr(calls, f"may_{kind}") if kind else _anybody

    def rpc(self) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._serve)

    async def _serve(self, raw: bytes, context: Any) -> bytes:
        """Who would wait in vain is refused before anything else is done, and leaves no span."""
        patience = _seconds_left(context)
        try:
            self._admit(patience)
        except Overloaded as refusal:
            self._duration(grpc.StatusCode.RESOURCE_EXHAUSTED).observe(0.0)
            return await refuse(context, refusal)
        return await self._carry_out(raw, context, patience)

    async def _carry_out(self, raw: bytes, context: Any, patience: float) -> bytes:
        metadata = tuple(context.invocation_metadata() or ())
        started, received_at = time.perf_counter(), now_us()
        parent = extract(metadata)
        span = self._telemetry.tracer.span(
            self._name, kind=Kind.SERVER, parent=parent, new_trace=parent is None, attributes=self._attributes
        )
        status = grpc.StatusCode.CANCELLED
        try:
            with self._telemetry.tracer.use(span):
                async with asyncio.timeout(patience):
                    call = Call(metadata, received_at, time.monotonic() + patience, span.context)
                    response = await self._answer(self._decoded(raw), call)
            status = grpc.StatusCode.OK
            return response.SerializeToString()
        except Exception as error:
            status, failure = status_of(error), error
            self._note(span, error, status)
        finally:
            self._measure(span, status, started)
        return await refuse(context, failure)

    async def _read(self, request: Message, call: Call) -> Message:
        return await self._calls.read(lambda: self._implementation(request))

    async def _write(self, request: Message, call: Call) -> Message:
        incoming = _incoming(call, self._name, request)
        if self._first:
            await self._first(self._api, request)
            self._admit(call.until - time.monotonic())
        return await self._calls.write(incoming, lambda: self._implementation(request), self._response_type, call.trace)

    async def _await(self, request: Message, call: Call) -> Message:
        response: Message = await self._implementation(request)
        return response

    def _decoded(self, raw: bytes) -> Message:
        try:
            return self._request_type.FromString(raw)
        except DecodeError as error:
            raise InvalidInput("request", f"is no {self._request_type.DESCRIPTOR.full_name}") from error

    def _note(self, span: Span, error: Exception, status: grpc.StatusCode) -> None:
        if status in SERVER_FAULTS:
            span.fail(error)
        else:
            span.note({"error.type": type(error).__name__})
        if status is grpc.StatusCode.INTERNAL:
            with self._telemetry.tracer.use(span):
                self._telemetry.log.error("call failed", exc_info=error, method=self._name)

    def _measure(self, span: Span, status: grpc.StatusCode, started: float) -> None:
        span.note({"rpc.response.status_code": status.name})
        span.end()
        self._duration(status).observe(time.perf_counter() - started, span.exemplar)

    def _duration(self, status: grpc.StatusCode) -> Histogram:
        known = self._durations.get(status)
        if known is None:
            known = self._durations[status] = self._telemetry.meter.histogram(
                "rpc_server_call_duration_seconds", rpc_method=self._name, status=status.name
            )
        return known


def _seconds_left(context: Any) -> float:
    """The caller's patience, or ours where that ends earlier."""
    left = context.time_remaining()
    return LONGEST_CALL_SECONDS if left is None else min(float(left), LONGEST_CALL_SECONDS)


def _anybody(patience: float) -> None: ...


def _incoming(call: Call, method: str, request: Message) -> Incoming:
    named = {key: value for key, value in call.metadata if isinstance(value, str)}
    key, correlation = named.get("idempotency-key", ""), named.get("correlation-id", "")
    return Incoming(
        id=new_id(),
        key=identifier(key, "idempotency-key") if key else "",
        method=method,
        correlation_id=identifier(correlation, "correlation-id") if correlation else "",
        received_at=call.received_at,
        until=call.until,
        request_hash=hashlib.sha256(request.SerializeToString(deterministic=True)).digest() if key else b"",
    )
