"""`mallbots demo --chaos`: one trouble after the other while orders flow, each followed until all is whole again."""

import asyncio
import time
from dataclasses import dataclass, field

from mallbots.actors.mall import Mall
from mallbots.operators import Operators, open_operators
from mallbots.reporting import Failed
from mallbots.supervisor import Report, Supervisor
from mallbots.troubles.every import LEASE_SECONDS, every_trouble
from mallbots.troubles.switches import discard_poison
from mallbots.troubles.trouble import KILLED, Trouble, name_of
from mallbots.wholeness import until_whole
from mallbots_platform import operator_pb2 as pb

WHOLE_SECONDS = 60.0
PAUSE_SECONDS = 0.3
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
        return name_of(self.kind, self.target)


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
        self._troubles = every_trouble(self.running, self.mall, self.seed)

    async def run(self) -> None:
        """Raises Failed when something is not whole again in time."""
        for trouble, next_one in zip(self._troubles, [*self._troubles[1:], None], strict=True):
            self._begin_next()
            if next_one:
                await next_one.prepare()
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
            await discard_poison(operators)

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
        if left := await until_whole(operators, WHOLE_SECONDS, self.mall.lost):
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


@dataclass(frozen=True, slots=True)
class _Totals:
    retried: int
    republished: int


async def _totals(operators: Operators) -> _Totals:
    answers = (await operators.ask("GetTotals", pb.GetTotalsRequest())).values()
    return _Totals(sum(a.retried for a in answers), sum(a.republished for a in answers))
