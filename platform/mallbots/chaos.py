"""`mallbots demo --chaos`: one trouble after the other while orders flow, each followed until all is whole again."""

import asyncio
import random
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mallbots.actors.mall import Mall
from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.redis_proxy import RedisProxy
from mallbots.reporting import Failed
from mallbots.supervisor import Report, Supervisor
from mallbots.wholeness import until_whole
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.streams import open_redis

LEASE_SECONDS = 2.0
WHOLE_SECONDS = 60.0
PAUSE_SECONDS = 0.3
KILLED = "killed"
ENVIRONMENT = {
    "MALLBOTS_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "MALLBOTS_DEPOT_BOT_LEASE_SECONDS": "6",
    "MALLBOTS_BASKETS_ABANDON_AFTER_SECONDS": "30",
}


@dataclass(frozen=True, slots=True)
class Felt:
    """What became of a fault. `errors` calls that clients had to repeat, until all was whole again; seconds."""

    kind: str
    target: str
    at: float
    recovered_after: float
    errors: int
    parked: int
    republished: int

    @property
    def name(self) -> str:
        return _name(self.kind, self.target)


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: str
    target: str
    make: Callable[[], Awaitable[None]]

    @property
    def name(self) -> str:
        return _name(self.kind, self.target)


@dataclass(slots=True)
class Chaos:
    """Makes each trouble of its list. `share` tells how far it is, so that orders can be spread over all of it."""

    running: Supervisor
    mall: Mall
    seed: int
    report: Report = lambda text: None
    felt: list[Felt] = field(default_factory=list)
    begun: int = 0
    _started: float = field(default_factory=time.monotonic)
    _troubles: list[Trouble] = field(default_factory=list)
    _next_begins: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        dice = random.Random(f"chaos {self.seed}")
        self._troubles = list(_troubles(self, dice))
        dice.shuffle(self._troubles)

    async def run(self) -> None:
        """Raises Failed when something is not whole again in time."""
        for trouble in self._troubles:
            self._begin_next()
            await asyncio.sleep(PAUSE_SECONDS)
            self.report(f"trouble {self.begun} of {len(self._troubles)}: {trouble.name}")
            await self.live_through(trouble)
        self._begin_next()
        await self.end()

    async def live_through(self, trouble: Trouble) -> None:
        """Make it, and wait until it is over. Raises Failed when it does not end."""
        async with open_operators(self.running.data) as operators:
            felt = await self._live_through(trouble, operators)
        self.felt.append(felt)
        self.report(f"{trouble.name}: whole again after {felt.recovered_after:.1f} s")

    async def end(self) -> None:
        async with open_operators(self.running.data) as operators:
            await _discard_poison(operators)

    def troubles_without_kills(self) -> list[Trouble]:
        """Those that leave every process of a context alive."""
        return [trouble for trouble in self._troubles if trouble.kind != KILLED]

    def _begin_next(self) -> None:
        self.begun += 1
        self._next_begins.set()
        self._next_begins = asyncio.Event()

    async def until(self, share: float) -> None:
        """Wait until that share of the troubles, between 0 and 1, has begun."""
        while self.begun < share * len(self._troubles):
            await self._next_begins.wait()

    async def _live_through(self, trouble: Trouble, operators: Operators) -> Felt:
        before, errors, at = await _totals(operators), self.mall.unanswered, time.monotonic()
        await trouble.make()
        ended = time.monotonic()
        if left := await until_whole(operators, WHOLE_SECONDS):
            raise Failed(f"{trouble.name}: not whole after {WHOLE_SECONDS:.0f} s: {left}")
        after = await _totals(operators)
        return Felt(
            kind=trouble.kind,
            target=trouble.target,
            at=round(at - self._started, 2),
            recovered_after=round(time.monotonic() - ended, 2),
            errors=self.mall.unanswered - errors,
            parked=max(0, after.retried - before.retried),
            republished=max(0, after.republished - before.republished),
        )


def _name(kind: str, target: str) -> str:
    return kind if kind.startswith(target) else f"{target} {kind}"


def _troubles(chaos: Chaos, dice: random.Random) -> Sequence[Trouble]:
    running, proxy, contexts = chaos.running, chaos.running.proxy, list(chaos.running.contexts)
    if proxy is None:
        raise Failed("chaos needs a Redis of its own: leave MALLBOTS_REDIS_URL unset")
    redis = _RedisTroubles(running)

    def one(kind: str, make: Callable[[str], Awaitable[None]]) -> Trouble:
        target = dice.choice(contexts)
        return Trouble(kind, target, lambda: make(target))

    def inside(kind: str, seconds: float, strength: float | None = None) -> Trouble:
        return one(kind, lambda target: _switched_on(running.data, target, kind, seconds, strength))

    pair = dice.sample(contexts, 2)
    return (
        *(Trouble(KILLED, context, partial(_kill, running, context)) for context in contexts),
        Trouble(KILLED, " and ".join(pair), lambda: _kill(running, *pair)),
        Trouble(KILLED, "all contexts", lambda: _kill_all(running)),
        one("stopped", lambda target: _stop_for(running, target, 1.5 * LEASE_SECONDS)),
        Trouble("redis killed", "redis", redis.killed),
        Trouble("redis emptied", "redis", redis.emptied),
        Trouble("redis from an older dump", "redis", redis.from_older_dump),
        Trouble("redis flushed", "redis", redis.flushed),
        Trouble("connections cut", "redis", lambda: _cut(proxy)),
        Trouble("replies dropped", "redis", lambda: _drop_replies(proxy)),
        Trouble("latency", "redis", lambda: _slow_down(proxy)),
        inside("locked-database", 3.0),
        inside("slow-handler", 1.5, 0.05),
        inside("failing-handler", 2.0, 0.3),
        inside("poison-event", 1.0, 4),
        Trouble("clock-jump", "payments", lambda: _switched_on(running.data, "payments", "clock-jump", 1.0, 5)),
    )


async def _kill(running: Supervisor, *contexts: str) -> None:
    for context in contexts:
        running.tell(context, signal.SIGKILL)
    await asyncio.sleep(0.1)


async def _kill_all(running: Supervisor) -> None:
    running.kill_all()
    await asyncio.sleep(0.1)


async def _stop_for(running: Supervisor, context: str, seconds: float) -> None:
    running.tell(context, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        running.tell(context, signal.SIGCONT)


async def _cut(proxy: RedisProxy) -> None:
    for _ in range(5):
        proxy.cut()
        await asyncio.sleep(0.2)


async def _drop_replies(proxy: RedisProxy) -> None:
    for _ in range(4):
        proxy.drops_replies = True
        await asyncio.sleep(0.15)
        proxy.drops_replies = False
        await asyncio.sleep(0.6)


async def _slow_down(proxy: RedisProxy) -> None:
    proxy.latency_seconds = 0.08
    try:
        await asyncio.sleep(2.0)
    finally:
        proxy.latency_seconds = 0.0


async def _switched_on(data: Path, context: str, fault: str, seconds: float, strength: float | None) -> None:
    """The fault's own time is waited for, so that it has switched itself off."""
    request = pb.SwitchFaultRequest(name=fault, on=True, seconds=seconds, strength=strength)
    async with open_operators(data) as operators:
        await operators.of(context).SwitchFault(request, timeout=DEADLINE_SECONDS)
    await asyncio.sleep(seconds)


class _RedisTroubles:
    def __init__(self, running: Supervisor) -> None:
        self._running = running

    async def killed(self) -> None:
        async with self._running.without_redis(signal.SIGKILL):
            await asyncio.sleep(0.5)

    async def emptied(self) -> None:
        async with self._running.without_redis(signal.SIGKILL) as directory:
            shutil.rmtree(directory)

    async def from_older_dump(self) -> None:
        """Back to what it was a second ago."""
        dump = self._running.data / "older-redis"
        async with self._running.without_redis(signal.SIGTERM) as directory:
            shutil.copytree(directory, dump)
        await asyncio.sleep(1.0)
        async with self._running.without_redis(signal.SIGKILL) as directory:
            shutil.rmtree(directory)
            dump.rename(directory)

    async def flushed(self) -> None:
        client = open_redis(self._running.own_redis_url)
        try:
            for _ in range(3):
                await client.flushall()
                await asyncio.sleep(0.2)
        finally:
            await client.aclose()


async def _discard_poison(operators: Operators) -> None:
    """As an operator does who has seen it: bytes without a key hold up nobody, and are kept as evidence only."""
    for context, parked in await operators.parked(state="dead"):
        if not parked.message_id:
            await operators.of(context).DiscardParked(pb.DiscardParkedRequest(id=parked.id), timeout=DEADLINE_SECONDS)


@dataclass(frozen=True, slots=True)
class _Totals:
    retried: int
    republished: int


async def _totals(operators: Operators) -> _Totals:
    answers = (await operators.ask("GetTotals", pb.GetTotalsRequest())).values()
    return _Totals(sum(a.retried for a in answers), sum(a.republished for a in answers))
