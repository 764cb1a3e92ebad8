"""A small gRPC service: `Look` reads, `Change` writes, `Wait` is a coroutine. Each takes a note and gives one back."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.grpc_server import GrpcServer, read, write
from mallbots_platform.messages import Contract, event
from telemetry.tracing import Span
from tests.support.parts import Parts

METHODS = ("Look", "Change", "Wait")


def _declare() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="tests/echo.proto", package="mallbots.tests.v1", syntax="proto3")
    note = file.message_type.add(name="Note")
    kinds = {"text": note.field.add().TYPE_STRING, "number": note.field.add().TYPE_INT64}
    del note.field[:]
    for number, (name, kind) in enumerate(kinds.items(), 1):
        note.field.add(name=name, number=number, type=kind, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    service = file.service.add(name="EchoService")
    for name in METHODS:
        service.method.add(name=name, input_type=".mallbots.tests.v1.Note", output_type=".mallbots.tests.v1.Note")
    return descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


_FILE = _declare()
SERVICE = _FILE.services_by_name["EchoService"]
NAME = SERVICE.full_name
Note: Any = GetMessageClass(_FILE.message_types_by_name["Note"])


@event
class Noted:
    text: str


ECHO = Contract(context="echo", events=(Noted,))


class EchoApi:
    """`before` runs at the start of every method, and may refuse; `finish` is what `Wait` waits for."""

    def __init__(self, parts: Parts) -> None:
        self.before: Callable[[Any], object] = lambda note: None
        self.begun = 0
        self.finish = asyncio.Event()
        self._parts = parts

    @read
    def Look(self, note: Any) -> Message:
        self._begin(note)
        return self._copy(note)

    @write
    def Change(self, note: Any) -> Message:
        self._parts.outbox.record(Noted(text=note.text), key="k")
        self._begin(note)
        return self._copy(note)

    async def Wait(self, note: Any) -> Message:
        self._begin(note)
        await self.finish.wait()
        return self._copy(note)

    def _begin(self, note: Any) -> None:
        self.begun += 1
        self.before(note)

    def _copy(self, note: Any) -> Message:
        copy: Message = Note(text=note.text, number=note.number + 1)
        return copy


class Echo(AbstractAsyncContextManager["Echo"]):
    """The service over an SQLite database, and a client of it that is not traced."""

    def __init__(self, url: str) -> None:
        self.parts = Parts(url, ECHO)

    async def __aenter__(self) -> "Echo":
        await self.parts.__aenter__()
        self.api = EchoApi(self.parts)
        self.server = GrpcServer(self.parts.telemetry, self.parts.calls)
        self.server.add(self.api, SERVICE)
        self.address = await self.server.start("127.0.0.1:0")
        self.channel = open_channel(self.address)
        self.client = client_for(self.channel, SERVICE)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.channel.close(None)
        await self.server.stop(0)
        await self.parts.__aexit__(*exception)

    def raw(self, method: str) -> Any:
        """The method as bytes in, bytes out."""
        calling: Any = self.channel.unary_unary
        return calling(f"/{NAME}/{method}")

    def calls(self, method: str, status: str) -> float:
        """How many were counted."""
        counted = "rpc_server_call_duration_seconds_count"
        return self.parts.measured(counted, rpc_method=f"{NAME}/{method}", status=status)


async def call(echo: Echo, method: str, note: Any = None, **options: Any) -> Any:
    """The answer; for a refused call its error."""
    request = (note or Note(text="x", number=1)).SerializeToString()
    try:
        return Note.FromString(await echo.raw(method)(request, timeout=options.pop("timeout", 20), **options))
    except grpc.aio.AioRpcError as error:
        return error


def refuse_with(error: Exception) -> Any:
    def before(note: Any) -> None:
        raise error

    return before


def trailer(error: Any, name: str) -> Any:
    return dict(error.trailing_metadata() or ()).get(name)


def span_of(echo: Echo, method: str) -> Span:
    [span] = echo.parts.spans.named(f"{NAME}/{method}")
    return span
