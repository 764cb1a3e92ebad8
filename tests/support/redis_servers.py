"""Redis servers of each version that is here, with options of their own; and one that answers what it is told."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from mallbots_platform.embedded_redis import EmbeddedRedis, wheel_binary

BINARIES = tuple(dict.fromkeys(found for found in (shutil.which("redis-server"), wheel_binary()) if found))


@contextmanager
def redis_server(directory: Path, binary: str, *options: str) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(directory, binary=binary, options=options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def answering(line: str) -> AsyncIterator[str]:
    """The URL of a server that answers every command with this, once the client has introduced itself."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(1 << 16):
            introduces = request.upper().count(b"HELLO") + request.upper().count(b"CLIENT")
            writer.write(b"+OK\r\n" * introduces if introduces else f"{line}\r\n".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}?protocol=2"
    finally:
        server.close()
