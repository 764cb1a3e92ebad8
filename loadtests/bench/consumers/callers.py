"""Calls within one process, client and server together: through the platform's kit, or over grpc.aio as it comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import uvloop
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from loadtests.bench.gate import Gate
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.grpc_server import GrpcServer
from telemetry.bundle import open_telemetry

Call = Callable[[Message], Awaitable[Any]]
WARM_UP = 200


def service() -> ServiceDescriptor:
    """`mallbots.bench.v1.EchoService`: one method, one field."""
    file = FileDescriptorProto(name="echo.proto", package="mallbots.bench.v1", syntax="proto3")
    echo = file.message_type.add(name="Echo")
    kinds = FieldDescriptorProto
    echo.field.add(name="text", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    echoes = file.service.add(name="EchoService")
    echoes.method.add(name="Say", input_type=".mallbots.bench.v1.Echo", output_type=".mallbots.bench.v1.Echo")
    pool = DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName("mallbots.bench.v1.EchoService")


class EchoApi:
    async def Say(self, request: Message) -> Message:
        return request


@asynccontextmanager
async def through_the_platform(echoes: ServiceDescriptor) -> AsyncIterator[Call]:
    telemetry = open_telemetry("bench")
    calls: Any = None  # its methods neither read nor write
    server = GrpcServer(telemetry, calls)
    server.add(EchoApi(), echoes)
    channel = open_channel(await server.start("127.0.0.1:0"), telemetry)
    try:
        yield client_for(channel, echoes, telemetry).Say
    finally:
        await channel.close(None)
        await server.stop(0)
        await asyncio.to_thread(telemetry.close)


@asynccontextmanager
async def as_it_comes(echoes: ServiceDescriptor) -> AsyncIterator[Call]:
    kind = GetMessageClass(echoes.methods_by_name["Say"].input_type)

    async def say(request: Message, context: Any) -> Message:
        return request

    handler = grpc.unary_unary_rpc_method_handler(
        say, request_deserializer=kind.FromString, response_serializer=kind.SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(echoes.full_name, {"Say": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    call: Any = channel.unary_unary(
        f"/{echoes.full_name}/Say", request_serializer=kind.SerializeToString, response_deserializer=kind.FromString
    )
    try:
        yield lambda request: call(request, timeout=5.0)
    finally:
        await channel.close(None)
        await server.stop(0)


async def main(gate: Gate) -> None:
    echoes = service()
    request = GetMessageClass(echoes.methods_by_name["Say"].input_type)(text="hello")
    opened = through_the_platform(echoes) if gate.work["platform"] else as_it_comes(echoes)
    async with opened as call:
        for _ in range(WARM_UP):
            await call(request)
        await asyncio.to_thread(gate.wait)
        for _ in range(gate.work["calls"]):
            await call(request)
    gate.report()


if __name__ == "__main__":
    uvloop.run(main(Gate()))
