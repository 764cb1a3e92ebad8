"""A wire between the contexts and Redis that can be slowed down, cut, or made to swallow replies."""

import asyncio
import contextlib
from urllib.parse import urlsplit

CHUNK = 1 << 16


class RedisProxy:
    """Listens on loopback; `latency_seconds` holds every answer up, `drops_replies` cuts a connection at its next."""

    def __init__(self, redis_url: str) -> None:
        self.lead_to(redis_url)
        self.latency_seconds = 0.0
        self.drops_replies = False
        self.cut_connections = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()

    def lead_to(self, redis_url: str) -> None:
        """Connections that are made from now on."""
        target = urlsplit(redis_url)
        self._target = (target.hostname or "127.0.0.1", target.port or 6379)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Every connection, now. New ones are taken."""
        for pair in list(self._pairs):
            self._cut(pair)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind_reader, behind = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        pair = (writer, behind)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pass_on(reader, behind), self._answer(behind_reader, pair))
        finally:
            self._pairs.discard(pair)
            _close(pair)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self.drops_replies:
                    self._cut(pair)
                    return
                if self.latency_seconds:
                    await asyncio.sleep(self.latency_seconds)
                pair[0].write(chunk)
                await pair[0].drain()
        _close(pair)

    def _cut(self, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self.cut_connections += 1
        for writer in pair:
            writer.transport.abort()


def _close(pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
    for writer in pair:
        writer.close()
