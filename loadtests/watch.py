"""What the mall costs while it is under load: processor and memory of each of its processes."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it carries no types
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mallbots.directories import redis_address
from mallbots.liveness import live_endpoints

PAUSE_SECONDS = 1.0
REDIS = "redis"


@dataclass(slots=True)
class Cost:
    """`cpu_seconds` since the watch began, over all processes that had this part; `memory_bytes` of the present one."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    last: tuple[int, float] = (0, 0.0)

    def note(self, process: int, cpu_seconds: float, memory_bytes: int) -> None:
        """A process that is new since the last look has spent all of its time in between."""
        known, before = self.last
        if known:
            self.cpu_seconds += cpu_seconds - (before if known == process else 0.0)
        self.last, self.memory_bytes = (process, cpu_seconds), memory_bytes


@dataclass(frozen=True, slots=True)
class Moment:
    """What the whole mall has cost until then. `at` is in seconds since the epoch."""

    at: float
    cpu_seconds: float
    memory_bytes: int


@dataclass(slots=True)
class Watch:
    data: Path
    costs: dict[str, Cost] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)

    @property
    def cpu_seconds(self) -> float:
        return sum(cost.cpu_seconds for cost in self.costs.values())

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        for context, endpoint in live_endpoints(self.data).items():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(endpoint.pid)
                spent = process.cpu_times()
                self._note(context, endpoint.pid, spent.user + spent.system, process.memory_info().rss)
        await self._look_at_redis()
        memory = sum(cost.memory_bytes for cost in self.costs.values())
        self.moments.append(Moment(time.time(), self.cpu_seconds, memory))

    async def _look_at_redis(self) -> None:
        """It may be away, or not be ours to find: then it costs nothing that we know of."""
        with contextlib.suppress(RedisError, OSError):
            async with Redis.from_url(redis_address(self.data).read_text(), socket_timeout=1) as redis:
                info = await redis.info("everything")
            spent = info["used_cpu_user"] + info["used_cpu_sys"]
            self._note(REDIS, int(info["process_id"]), spent, int(info["used_memory_rss"]))

    def _note(self, part: str, process: int, cpu_seconds: float, memory_bytes: int) -> None:
        self.costs.setdefault(part, Cost()).note(process, cpu_seconds, memory_bytes)
