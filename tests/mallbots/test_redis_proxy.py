import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mallbots.redis_proxy import CHUNK, RedisProxy
from tests.support.world import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """A proxy before a server that says everything again; `asked` is what reached it."""

    def __init__(self, proxy: RedisProxy) -> None:
        self.proxy = proxy
        self.asked = b""
        self.callers: list[asyncio.StreamWriter] = []

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            self.asked += chunk
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def connect(self) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.proxy.url.rpartition(":")[2]))
        self.callers.append(writer)
        return reader, writer


@asynccontextmanager
async def open_wire() -> AsyncIterator[Wire]:
    wire = Wire(RedisProxy("redis://127.0.0.1:1"))
    server = await asyncio.start_server(wire.echo, "127.0.0.1", 0)
    wire.proxy = RedisProxy(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await wire.proxy.start()
    try:
        yield wire
    finally:
        await wire.proxy.stop()
        server.close()
        for caller in wire.callers:
            caller.close()
        assert await eventually(lambda: len(asyncio.all_tasks()) == 1), "the proxy goes on"


async def ask(connection: Connection, request: bytes) -> bytes:
    """As much as was asked, or what came before the connection ended."""
    reader, writer = connection
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.readexactly(len(request)), 5)
    except asyncio.IncompleteReadError as ended:
        return ended.partial
    except ConnectionError:
        return b""


async def test_it_passes_everything_on() -> None:
    long = bytes(range(256)) * 2_000
    async with open_wire() as wire:
        first, second = await wire.connect(), await wire.connect()

        answers = await asyncio.gather(ask(first, long), ask(second, b"PING"))

        assert list(answers) == [long, b"PING"]
        first[1].close()
        assert await ask(second, b"PING") == b"PING"


async def test_a_cut_ends_every_connection_and_takes_new_ones() -> None:
    async with open_wire() as wire:
        connections = [await wire.connect() for _ in range(3)]
        for connection in connections:
            await ask(connection, b"PING")

        wire.proxy.cut()

        assert [await ask(connection, b"PING") for connection in connections] == [b"", b"", b""]
        assert wire.proxy.cut_connections == 3
        assert await ask(await wire.connect(), b"PING") == b"PING"


async def test_a_dropped_reply_is_one_to_a_request_that_was_heard() -> None:
    async with open_wire() as wire:
        connection = await wire.connect()
        wire.proxy.drops_replies = True

        assert await ask(connection, b"XADD") == b""
        wire.proxy.drops_replies = False

        assert wire.asked == b"XADD"
        assert await ask(await wire.connect(), b"PING") == b"PING"


async def test_latency_holds_answers_up() -> None:
    async with open_wire() as wire:
        connection = await wire.connect()
        wire.proxy.latency_seconds = 0.1

        begun = time.monotonic()
        assert await ask(connection, b"PING") == b"PING"
        seconds = time.monotonic() - begun
        wire.proxy.latency_seconds = 0.0

        assert seconds >= 0.1
        assert await ask(connection, b"PING") == b"PING"


async def test_who_is_cut_while_an_answer_is_held_up_gets_none() -> None:
    async with open_wire() as wire:
        connection = await wire.connect()
        wire.proxy.latency_seconds = 0.1
        connection[1].write(b"PING")
        await eventually(lambda: wire.asked)

        wire.proxy.cut()

        assert await ask(connection, b"PING") == b""


async def test_when_it_stops_nobody_is_served() -> None:
    async with open_wire() as wire:
        connection = await wire.connect()
        await ask(connection, b"PING")

        await wire.proxy.stop()

        assert await ask(connection, b"PING") == b""
        with pytest.raises((ConnectionError, IndexError)):
            await wire.connect()


async def test_without_redis_behind_it_connections_end() -> None:
    async with open_wire() as wire:
        wire.proxy._target = ("127.0.0.1", 1)

        assert await ask(await wire.connect(), b"PING") == b""


async def test_who_has_nothing_more_to_say_is_let_go() -> None:
    async with open_wire() as wire:
        reader, writer = await wire.connect()
        await ask((reader, writer), b"PING")

        writer.write_eof()

        assert await asyncio.wait_for(reader.read(), 5) == b""
