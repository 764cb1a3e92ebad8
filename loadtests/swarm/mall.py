"""The mall's APIs over plain, synchronous gRPC: each call measured; each change sent again with the same key."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from contexts.stores.contract import stores_pb2
from loadtests.loopback import must_be_loopback
from mallbots_platform.grpc_client import OPTIONS, again_after
from mallbots_platform.ids import new_id

DEADLINE_SECONDS = 5.0
PATIENCE_SECONDS = 45.0
LONGEST_PAUSE = 1.0
AGAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
REFUSALS = frozenset(
    {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED, grpc.StatusCode.OK}
)
Metadata = tuple[tuple[str, str], ...]


class CallFailed(Exception):
    """The mall did not do what it was asked to. `code` is the status of the call; it may be made `again_after` so many
    seconds."""

    def __init__(self, method: str, code: grpc.StatusCode, text: str, again_after: float = 0.0) -> None:
        super().__init__(f"{method}: {code.name}: {text}")
        self.code = code
        self.again_after = again_after


class NotThere(CallFailed):
    """There is no such thing, or not yet."""


class Refused(CallFailed):
    """A rule of the mall forbids it."""


class Called(NamedTuple):
    """One call that is over. `error` is None for an answer, and for a refusal, which is an answer too."""

    method: str
    seconds: float
    response_bytes: int
    status: str
    error: CallFailed | None


Watch = Callable[[Called], None]


class Call:
    """One method of one service."""

    def __init__(self, channel: grpc.Channel, method: MethodDescriptor, watch: Watch) -> None:
        service = method.containing_service
        self.name = f"{service.name}/{method.name}"
        self._watch = watch
        self._send: Any = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    def __call__(self, request: Message, metadata: Metadata = ()) -> Any:
        """The response. Raises CallFailed."""
        started, size, failed = time.perf_counter(), 0, None
        try:
            response: Message = self._send(request, timeout=DEADLINE_SECONDS, metadata=metadata)
            size = response.ByteSize()
            return response
        except grpc.RpcError as error:
            failed = _failed(self.name, error)
            raise failed from None
        finally:
            code = failed.code if failed else grpc.StatusCode.OK
            counts = failed if code not in REFUSALS else None
            self._watch(Called(self.name, time.perf_counter() - started, size, code.name, counts))


class Client:
    """Its attributes are named after the service's methods."""

    def __init__(self, address: str, contract: Any, watch: Watch) -> None:
        self._channel = grpc.insecure_channel(must_be_loopback(address), options=OPTIONS)
        (service,) = contract.DESCRIPTOR.services_by_name.values()
        self._calls = {method.name: Call(self._channel, method, watch) for method in service.methods}

    def __getattr__(self, method: str) -> Call:
        return self._calls[method]


class Mall:
    """A client of each context. `watch` hears of every call."""

    def __init__(self, addresses: Mapping[str, str], watch: Watch) -> None:
        self.stores = Client(addresses["stores"], stores_pb2, watch)
        self.customers = Client(addresses["customers"], customers_pb2, watch)
        self.baskets = Client(addresses["baskets"], baskets_pb2, watch)
        self.ordering = Client(addresses["ordering"], ordering_pb2, watch)
        self.payments = Client(addresses["payments"], payments_pb2, watch)
        self.depot = Client(addresses["depot"], depot_pb2, watch)

    def change(self, call: Call, request: Message, about: str = "") -> Any:
        """Carried out once, however often it has to be sent. `about` is the order it concerns, if there is one yet."""
        metadata = (("idempotency-key", new_id()), *((("correlation-id", about),) if about else ()))
        return _patiently(lambda: call(request, metadata))

    def look(self, call: Call, request: Message) -> Any:
        return _patiently(lambda: call(request))


def _patiently(call: Callable[[], Any]) -> Any:
    """Call again while nobody answers, or somebody else was faster. Raises CallFailed for all else, or in the end."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.1
    while True:
        try:
            return call()
        except CallFailed as error:
            if error.code not in AGAIN or time.monotonic() > deadline:
                raise
            wanted = error.again_after
        time.sleep(wanted + random.uniform(pause / 2, pause))
        pause = min(LONGEST_PAUSE, pause * 2)


def _failed(method: str, error: grpc.RpcError) -> CallFailed:
    """grpc's own exception is a finished call, too."""
    told: Any = error
    kinds = {grpc.StatusCode.NOT_FOUND: NotThere, grpc.StatusCode.FAILED_PRECONDITION: Refused}
    return kinds.get(told.code(), CallFailed)(method, told.code(), told.details() or "", again_after(told))
