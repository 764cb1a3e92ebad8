"""Who may consume a partition: a lease in Redis says who is alive, a fence in the database says who may commit."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import RedisError

from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import PlatformError, Unavailable
from mallbots_platform.own_redis import ForeignRedis
from mallbots_platform.streams import RedisClient
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry


class LeaseLost(PlatformError):
    """Another process owns the partition now: whatever was about to be committed is not."""

    def __init__(self, partition: int, generation: int) -> None:
        super().__init__(f"partition {partition} has a newer owner than generation {generation}")
        self.partition = partition


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to commit for a unit, for as long as nobody gained it later."""

    unit: str
    partition: int
    generation: int

    def check(self, database: Database) -> None:
        """Raises LeaseLost when a later owner has committed its generation."""
        rows = database.run(f"SELECT generation FROM fences WHERE unit = ?{database.dialect.lock_row}", (self.unit,))
        if not rows or rows[0][0] != self.generation:
            raise LeaseLost(self.partition, self.generation)


RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Leases:
    """Gains and keeps the partitions of one group. `take_over` skips the wait for a predecessor's lease to run out,
    which is safe because of the fence and right where only one process can have the database."""

    def __init__(
        self,
        group: str,
        partitions: int,
        owner: str,
        redis: RedisClient,
        writer: Writer,
        telemetry: Telemetry,
        *,
        seconds: float = 10.0,
        take_over: bool = False,
    ) -> None:
        self.owned: dict[int, Fence] = {}
        self.changed: Callable[[], Awaitable[None]] | None = None
        self._group = group
        self._partitions = partitions
        self._owner = owner
        self._redis = redis
        self._writer = writer
        self._telemetry = telemetry
        self._milliseconds = round(seconds * 1000)
        self._take_over = take_over
        self._leaving = False
        self._refreshing = asyncio.Lock()
        self._lost = telemetry.meter.counter("mallbots_lease_lost_total", group=group)
        self._gauge = telemetry.meter.gauge("mallbots_lease_owned", group=group)

    async def run(self) -> None:
        """Keep what is owned, gain what is free, until cancelled."""
        while not self._leaving:
            await asyncio.sleep(self._milliseconds / 3000)
            with contextlib.suppress(RedisError, OSError, Unavailable):
                await self.refresh()

    async def refresh(self) -> None:
        """One at a time: who gains a partition twice has fenced itself off."""
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        before = set(self.owned)
        try:
            await self._renew_and_gain()
        except ForeignRedis:  # whoever looks for leases of ours looks elsewhere
            self.owned.clear()
            raise
        finally:
            self._gauge.set(len(self.owned))
            if set(self.owned) != before and self.changed:
                await self.changed()

    async def cover(self, partitions: int) -> None:
        """Of some source there are so many. None is given up: what belongs to it stays with its owner."""
        if partitions > self._partitions:
            self._partitions = partitions
            with contextlib.suppress(RedisError, OSError, Unavailable):
                await self.refresh()

    def lose(self, partition: int) -> None:
        """The database said that another owner has taken over."""
        if self.owned.pop(partition, None):
            self._lost.inc()
            self._telemetry.log.warning("lease lost", group=self._group, partition=partition)

    async def release(self) -> None:
        """Leave: let the next owner start at once, and gain nothing more."""
        self._leaving = True
        for partition in list(self.owned):
            self.owned.pop(partition)
            with contextlib.suppress(RedisError, OSError):
                await self._redis.eval(RELEASE, 1, self._key(partition), self._owner)

    async def _renew_and_gain(self) -> None:
        for partition in range(self._partitions):
            if self._leaving:
                return
            if partition in self.owned:
                await self._renew(partition)
            else:
                await self._gain(partition)
        self._take_over = False

    async def _gain(self, partition: int) -> None:
        gained = await self._redis.set(self._key(partition), self._owner, px=self._milliseconds, nx=not self._take_over)
        if gained:
            reached("lease: gained")
            unit = f"{self._group}/{partition}"
            generation = await self._writer.run(lambda: self._next_generation(unit))
            self.owned[partition] = Fence(unit, partition, generation)

    async def _renew(self, partition: int) -> None:
        renewed = await self._redis.eval(RENEW, 1, self._key(partition), self._owner, self._milliseconds)
        if not renewed and not await self._redis.set(self._key(partition), self._owner, px=self._milliseconds, nx=True):
            self.lose(partition)

    def _next_generation(self, unit: str) -> int:
        [(generation,)] = self._writer.database.run(_NEXT_GENERATION, (unit, self._owner))
        return int(generation)

    def _key(self, partition: int) -> str:
        return f"{{{self._redis.key(f'lease.{self._group}.{partition}')}}}"


_NEXT_GENERATION = """
    INSERT INTO fences (unit, generation, owner) VALUES (?, 1, ?)
    ON CONFLICT (unit) DO UPDATE SET generation = fences.generation + 1, owner = excluded.owner
    RETURNING generation
"""
