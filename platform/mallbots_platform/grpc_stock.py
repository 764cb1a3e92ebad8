"""gRPC's own services, health and reflection, made as polite as ours: what cannot be read is INVALID_ARGUMENT."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import grpc
from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

HEALTH, REFLECTION = health.SERVICE_NAME, reflection.SERVICE_NAME
REFLECTION_V1 = REFLECTION.replace("v1alpha", "v1")
Reflection: Any = reflection.aio.ReflectionServicer  # type: ignore[attr-defined] # its stubs leave it out
_Health: Any = health.aio.HealthServicer  # type: ignore[attr-defined] # its stubs leave it out


class Health(_Health):  # type: ignore[misc] # its base has no type
    async def List(self, request: health_pb2.HealthListRequest, context: Any) -> health_pb2.HealthListResponse:
        """The stock servicer leaves this one out, though its .proto, and so reflection, promises it."""
        statuses = {name: health_pb2.HealthCheckResponse(status=status) for name, status in self._server_status.items()}
        return health_pb2.HealthListResponse(statuses=statuses)


def add_stock(server: grpc.aio.Server, health: Health, services: Iterable[str]) -> None:
    """Health, and reflection under two names: the one that the library knows, and the later one that clients of today
    ask for first. Their messages are the same."""
    polite: Any = PoliteServer(server)
    health_pb2_grpc.add_HealthServicer_to_server(health, polite)
    _describe_v1()
    reflector = Reflection((*services, HEALTH, REFLECTION, REFLECTION_V1))
    for name in (REFLECTION, REFLECTION_V1):
        polite = PoliteServer(server, name)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflector, polite)


def _describe_v1() -> None:
    """So that it can tell of itself, too."""
    known, described = FileDescriptorProto(), FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(known)
    text_format.Parse(text_format.MessageToString(known).replace("v1alpha", "v1"), described)
    descriptor_pool.Default().AddSerializedFile(described.SerializeToString())


class PoliteServer:
    """Stands in for a server where generated code registers a service with it, by its own name or by another."""

    def __init__(self, server: grpc.aio.Server, name: str = "") -> None:
        self._server = server
        self._name = name

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same again: that they are registered by name is enough."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        polite = {method: _polite(handler) for method, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(self._name or service, polite),))


def _polite(handler: Any) -> Any:
    """Decoding moves from the library, which answers UNKNOWN when it fails, into the method."""
    decode, encode = handler.request_deserializer, handler.response_serializer
    if handler.request_streaming:

        async def converse(raw: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
            async for answer in handler.stream_stream(_decoded_all(decode, raw, context), context):
                yield answer

        return grpc.stream_stream_rpc_method_handler(converse, response_serializer=encode)
    serve = handler.unary_stream or handler.unary_unary

    async def answer(raw: bytes, context: Any) -> Any:
        return await serve(await _decoded(decode, raw, context), context)

    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(answer, response_serializer=encode)
    return grpc.unary_unary_rpc_method_handler(answer, response_serializer=encode)


async def _decoded_all(decode: Callable[[bytes], Any], raw: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
    async for each in raw:
        yield await _decoded(decode, each, context)


async def _decoded(decode: Callable[[bytes], Any], raw: bytes, context: Any) -> Any:
    try:
        return decode(raw)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "request: cannot be read")
