"""The Redis of a run: one of its own, started again when it ends, or the one that the environment names."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from mallbots.directories import redis_address, redis_directory
from mallbots.redis_proxy import RedisProxy
from mallbots.reporting import Failed
from mallbots.undisturbed import undisturbed
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import Unavailable

LOOK_SECONDS = 0.2


class KeptRedis:
    """`server` is there when it is ours, `proxy` when the processes reach it through one."""

    def __init__(self, data: Path, say: Callable[[str], None], *, through_proxy: bool) -> None:
        self.server: EmbeddedRedis | None = None
        self.proxy: RedisProxy | None = None
        self._data = data
        self._say = say
        self._through_proxy = through_proxy
        self._in_hand = asyncio.Lock()

    @property
    def url(self) -> str:
        """As the processes know it."""
        return self.proxy.url if self.proxy else self.own_url

    @property
    def own_url(self) -> str:
        return self.server.url if self.server else os.environ.get("MALLBOTS_REDIS_URL", "")

    async def start(self) -> None:
        if "MALLBOTS_REDIS_URL" in os.environ:
            return
        self.server = EmbeddedRedis(redis_directory(self._data))
        await undisturbed(asyncio.to_thread(self.server.start))
        redis_address(self._data).write_text(self.server.url)
        if self._through_proxy:
            self.proxy = RedisProxy(self.server.url)
            await self.proxy.start()

    async def stop(self) -> None:
        if self.proxy:
            await self.proxy.stop()
        if self.server:
            await asyncio.to_thread(self.server.stop)

    @asynccontextmanager
    async def without(self, number: signal.Signals) -> AsyncIterator[Path]:
        """It ends by that signal, and is started again afterwards, on the same port; meanwhile its directory may be
        changed. Raises Failed when it is not ours."""
        if self.server is None:
            raise Failed("Redis is not ours to be stopped: leave MALLBOTS_REDIS_URL unset")
        async with self._in_hand:
            end = self.server.kill if number is signal.SIGKILL else self.server.stop
            await asyncio.to_thread(end)
            try:
                yield self.server.directory
            finally:
                await undisturbed(asyncio.to_thread(self.server.start))

    async def keep(self) -> None:
        """On the same port, so that everybody finds it again."""
        while self.server:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._in_hand:
                if not self.server.is_alive:
                    self._say("redis ended; starting it again")
                    with contextlib.suppress(Unavailable):
                        await undisturbed(asyncio.to_thread(self.server.start))
