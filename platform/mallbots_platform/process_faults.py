"""The faults that every process knows: its database locked, Redis cut off, poison in its streams, a wrong clock."""

import asyncio
import threading
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from mallbots_platform import clock
from mallbots_platform.database import Database
from mallbots_platform.faults import Fault
from mallbots_platform.partitions import EVENTS, StreamName

if TYPE_CHECKING:
    from mallbots_platform.process import Process

LOCKED_DATABASE, CUT_REDIS, POISON_EVENT, CLOCK_JUMP = "locked-database", "cut-redis", "poison-event", "clock-jump"
POISON = b"\xff poison: no envelope"


def declare_process_faults(process: "Process") -> None:
    lock, poisoner = _Lock(process.database), _Poisoner(process)
    for fault in (
        Fault(
            name=LOCKED_DATABASE, description="somebody else holds the database's write lock",
            begin=lock.take, end=lock.give_back,
        ),
        Fault(name=CUT_REDIS, description="no command gets through to Redis, or its reply back"),
        Fault(
            name=POISON_EVENT, description="bytes that are no event get into the own streams", means="how many",
            least=1, most=100, begin=poisoner.poison,
        ),
        Fault(
            name=CLOCK_JUMP, description="the wall clock is off", means="seconds, less than 0 for the past",
            strength=90, least=-86400, most=86400, begin=_jump, end=_jump_back,
        ),
    ):  # fmt: skip
        process.faults.declare(fault)


async def _jump(seconds: float) -> None:
    clock.shift(seconds)


async def _jump_back() -> None:
    clock.shift(0)


class _Lock:
    """Holds the lock in a thread of its own, on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._released = threading.Event()
        self._holder: threading.Thread | None = None

    async def take(self, strength: float) -> None:
        self._released.clear()
        self._holder = threading.Thread(target=self._hold, name="locked-database", daemon=True)
        self._holder.start()

    async def give_back(self) -> None:
        self._released.set()
        if self._holder is not None:
            await asyncio.to_thread(self._holder.join)

    def _hold(self) -> None:
        with self._database.locked():
            self._released.wait()


class _Poisoner:
    def __init__(self, process: "Process") -> None:
        self._process = process

    async def poison(self, how_many: float) -> None:
        """At the ends of the streams, where the next events belong."""
        for number in range(round(how_many)):
            partition = number % self._process.settings.partitions
            stream = StreamName(self._process.context, EVENTS, partition)
            key = self._process.redis.key_of(stream)
            try:
                await self._append(key)
            except (RedisError, OSError) as error:
                self._process.telemetry.log.warning("poison not placed", stream=key, reason=str(error))

    async def _append(self, key: str) -> None:
        redis = self._process.redis
        top = await redis.xrevrange(key, "+", "-", count=1)
        last = int(top[0][0].partition(b"-")[0]) if top else 0
        await redis.xadd(key, {"e": POISON}, id=f"{last + 1}-0")
