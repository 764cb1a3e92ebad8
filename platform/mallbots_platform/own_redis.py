"""A Redis client that knows its keys' prefix, and works only where Redis belongs to its own installation.

Redis holds a copy of the installation's id. Who connects looks at it, and so does every command that concerns a key, in
the same step: Redis may be emptied at any moment, and then belongs to whoever comes first. What a group was given to
read is believed if the copy, asked right behind it, is still ours.
"""

import re
from functools import partial
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from mallbots_platform.partitions import DEFAULT_PREFIX, StreamName

# What concerns the server and no key; whatever else a client sends is carried out by a script.
OF_THE_SERVER = frozenset({"PING", "TIME", "ROLE", "INFO", "CONFIG GET", "CLIENT LIST", "WAIT", "SCRIPT EXISTS"})
IF_OURS = """
-- The last key is that of the copy, the last argument our id; what follows does not see them.
local ours, copy = table.remove(ARGV), table.remove(KEYS)
local whose = redis.call('GET', copy)
if not whose then redis.call('SET', copy, ours)
elseif whose ~= ours then return redis.error_reply('FOREIGN ' .. whose) end
"""
CARRY_OUT = f"""{IF_OURS}
local answer = redis.pcall(unpack(ARGV))
if type(answer) == 'table' and answer.err then  -- Redis 6 says first where in the script
    answer.err = string.gsub(answer.err, '^@user_script: *%d+: %-', '')
end
return answer
"""
LOOK = "return 1"
_CARRIES_OUT = "carries_out"
_FOREIGN = re.compile(r"\bFOREIGN ([\w.:-]+)")


class ForeignRedis(RedisConnectionError):
    """This Redis belongs to another installation, or nobody knows yet to which: for us it is away."""


class Owner(Protocol):
    """The installation that a client is part of. `copy` is the key under which Redis has its id, which is empty for as
    long as nobody knows it."""

    @property
    def copy(self) -> str: ...
    @property
    def id(self) -> str: ...
    def found(self, whose: str) -> None:
        """Redis belongs to this one. Raises ForeignRedis when that is another."""


class OwnRedis(Redis):
    """Without an `owner` it looks at nothing, and changes what it is told to."""

    prefix = DEFAULT_PREFIX
    owner: Owner | None = None

    def key(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def key_of(self, stream: StreamName) -> str:
        return stream.key_under(self.prefix)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        if self.owner is None:
            return super().pipeline(transaction, shard_hint)
        return _OwnPipeline(self.owner, self.connection_pool, self.response_callbacks, transaction, shard_hint)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.owner is None:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py has no types for it
        if args[0] == "XREADGROUP":
            return await self._read_as_group(self.owner, args, options)
        args, options = _if_ours(self.owner, args, options)
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py has no types for it
        except ResponseError as error:
            await _look_into(error, self.owner, self.connection_pool)
            raise

    async def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        name = options.pop(_CARRIES_OUT, command_name)
        return await super().parse_response(connection, name, **options)

    async def _read_as_group(self, owner: Owner, args: Any, options: Any) -> Any:
        """It may block, which no script may."""
        connection = await self.connection_pool.get_connection()  # type: ignore[no-untyped-call] # redis-py has no types for it
        try:
            await connection.send_packed_command(connection.pack_commands([args, ("GET", owner.copy)]))
            try:
                answer = await self.parse_response(connection, args[0], **options)
            except ResponseError as error:
                answer = error
            whose = await connection.read_response()
        finally:
            await self.connection_pool.release(connection)
        if whose != owner.id.encode():
            await self.eval(LOOK, 0)
            answer = answer if isinstance(answer, ResponseError) else []
        if isinstance(answer, ResponseError):
            raise answer
        return answer


class _OwnPipeline(Pipeline):
    def __init__(self, owner: Owner, *args: Any) -> None:
        super().__init__(*args)
        self._owner = owner

    def pipeline_execute_command(self, *args: Any, **options: Any) -> Any:
        args, options = _if_ours(self._owner, args, options)
        return super().pipeline_execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py has no types for it

    async def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        name = options.pop(_CARRIES_OUT, command_name)
        return await super().parse_response(connection, name, **options)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        try:
            answers: list[Any] = await super().execute(raise_on_error)
        except ResponseError as error:
            await _look_into(error, self._owner, self.connection_pool)
            raise
        for answer in answers:
            if isinstance(answer, ResponseError):
                await _look_into(answer, self._owner, self.connection_pool)
        return answers


async def greet(owner: Owner, connection: Any) -> None:
    """What a new connection begins with. Raises ForeignRedis, after which it is closed."""
    await connection.on_connect()
    if not owner.id:
        raise ForeignRedis("it is not known yet which installation this process is part of")
    ask = partial(_ask, connection)
    whose = await ask("GET", owner.copy)
    if whose is None:  # a Redis that is full, or a replica, refuses to be written to, and may be ours all the same
        await ask("SET", owner.copy, owner.id, "NX")
        whose = await ask("GET", owner.copy)
    owner.found((whose or b"").decode())


async def _ask(connection: Any, *command: str) -> Any:
    await connection.send_command(*command)
    return await connection.read_response()


def _if_ours(owner: Owner, args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The command that does the same, provided that Redis is ours."""
    name = args[0]
    if name in OF_THE_SERVER:
        return args, options
    if name == "SCRIPT LOAD":
        return (name, IF_OURS + args[1]), options
    if name in ("EVAL", "EVALSHA"):
        script, keys, rest = args[1], int(args[2]), args[3:]
        script = IF_OURS + script if name == "EVAL" else script
        return (name, script, keys + 1, *rest[:keys], owner.copy, *rest[keys:], owner.id), options
    command = (*name.split(), *args[1:])
    return ("EVAL", CARRY_OUT, 1, owner.copy, *command, owner.id), options | {_CARRIES_OUT: name}


async def _look_into(error: ResponseError, owner: Owner, pool: Any) -> None:
    """Raises ForeignRedis where that is what it says; then no connection may be used any more as it is."""
    if told := _FOREIGN.search(str(error)):
        await pool.disconnect(inuse_connections=False)
        owner.found(told[1])
