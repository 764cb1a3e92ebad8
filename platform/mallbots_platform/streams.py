"""Redis Streams: clients with the time-outs that blocking reads need, and the script that appends without holes."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from redis.asyncio import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from mallbots_platform.own_redis import Owner, OwnRedis, greet
from mallbots_platform.partitions import DEFAULT_PREFIX
from mallbots_platform.redis_answers import is_elsewhere

RedisClient = Any  # what it answers depends on the protocol it speaks, which its types cannot say
BLOCK_SECONDS = 5.0
ANSWER_SECONDS = 5.0


class CuttableConnection(Connection):
    """Fails while `is_cut` says so: a command does not get through, or its reply does not get back. Is given up once
    its server says that another one is to be asked."""

    def __init__(self, *, is_cut: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._is_cut = is_cut
        self._is_outdated = False

    async def connect(self) -> None:
        """Before each use. Where the server was not the one to ask any more, its address is looked up again."""
        if self._is_outdated:
            await self.disconnect(nowait=True)
        self._is_outdated = False
        await super().connect()  # type: ignore[no-untyped-call] # of a library without types

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        """Its base would wait with `asyncio.wait_for` (see `waiting.signalled`), but where no time-out is set; so the
        time is minded here."""
        await self._fail_if_cut()
        patience, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(patience):
                await super().send_packed_command(*arguments, **options)
        finally:
            self.socket_timeout = patience

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            response = await super().read_response(*arguments, **options)
        except RedisError as error:
            self._is_outdated = self._is_outdated or is_elsewhere(error)
            raise
        await self._fail_if_cut()
        return response

    async def _fail_if_cut(self) -> None:
        if self._is_cut():
            await self.disconnect(nowait=True)
            raise RedisConnectionError("the connection to Redis is cut")


def open_redis(
    url: str,
    *,
    prefix: str = DEFAULT_PREFIX,
    owner: Owner | None = None,
    blocks: bool = False,
    is_cut: Callable[[], bool] = lambda: False,
) -> RedisClient:
    """A client that never repeats a command by itself: who repeats must know whether the first try took effect. With an
    `owner` it works only where Redis belongs to that one."""
    client: OwnRedis = OwnRedis.from_url(  # type: ignore[assignment] # it makes one of the class that it is called on
        url,
        connection_class=CuttableConnection,
        is_cut=is_cut,
        redis_connect_func=partial(greet, owner) if owner else None,
        protocol=2,  # that of scripts, so that an answer looks the same with one and without
        socket_timeout=ANSWER_SECONDS + (BLOCK_SECONDS if blocks else 0),
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        health_check_interval=0,
    )
    client.prefix, client.owner = prefix, owner
    return client


APPEND = """
-- KEYS[1] a stream; ARGV[1] the last id it is believed to have, ARGV[2] the first id to append, ARGV[3..] envelopes.
-- Appends all of them when the belief is right, else nothing. Answers how many were appended, and the last id.
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
local last = 0
if not info.err then
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = tonumber(string.match(info[i + 1], '^%d+')) end
    end
end
if last ~= tonumber(ARGV[1]) then return {0, last} end
if #ARGV == 2 then return {0, last} end
local now = redis.call('TIME')
local published = now[1] .. string.format('%06d', now[2])
local first = tonumber(ARGV[2])
for i = 3, #ARGV do
    last = first + i - 3
    redis.call('XADD', KEYS[1], string.format('%.0f-0', last), 'e', ARGV[i], 't', published)
end
return {#ARGV - 2, last}
"""


def sequence_of(entry_id: bytes | str) -> int:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    return int(text.partition("-")[0])
