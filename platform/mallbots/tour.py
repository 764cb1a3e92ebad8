"""`mallbots observe`: a mall, all that shows it, customers, and one trouble after the other to look at."""

import asyncio
import contextlib
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from mallbots.day import ENVIRONMENT, live_through
from mallbots.demo import clients, scratch
from mallbots.directories import CONTEXTS, VARIABLE
from mallbots.faults import switch_fault
from mallbots.observe.links import Views, views
from mallbots.plan import make_plan
from mallbots.reporting import Failed, one_line, open_console
from mallbots.up import opened, tell
from mallbots_platform.errors import PlatformError

CALM, TROUBLED = 1 / 4, 1 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault, and where it is seen: on the dashboard `board`, in what `query` asks, by `alerts` if any fires."""

    fault: str
    context: str
    strength: float | None = None
    seen: str
    board: str
    query: str
    alerts: tuple[str, ...] = ()


TROUBLES = (
    Trouble(
        fault="slow-handler", context="payments", strength=5,
        seen="which events are late, and where they wait", board="mallbots-flows",
        query="group_source:mallbots_stream_lag_seconds:max",
        alerts=("ParticipantDoesNotAnswer", "ConsumerIsBehind"),
    ),
    Trouble(
        fault="failing-handler", context="depot", strength=1,
        seen="retries, then what is set aside, then what is dead", board="mallbots-consumers",
        query="sum by (group, outcome) (rate(mallbots_deliveries_total[1m]))",
        alerts=("RetriesArePersistent", "DeadMessages", "ParkedTooLong"),
    ),
    Trouble(
        fault="cut-redis", context="ordering",
        seen="who hears nothing is behind, and then catches up: nothing is lost", board="mallbots-consumers",
        query="group_source:mallbots_stream_lag_seconds:max",
        alerts=("ConsumerIsBehind", "OutboxIsOld"),
    ),
    Trouble(
        fault="declining-bank", context="payments",
        seen="orders are refused, which is no failure: no alert fires for it", board="mallbots-sagas",
        query="sum by (saga, outcome) (rate(mallbots_saga_ended_total[1m]))",
    ),
    Trouble(
        fault="locked-database", context="baskets",
        seen="calls that fail because of us", board="mallbots-one-context",
        query='sum by (context, status) (rate(rpc_server_call_duration_seconds_count{status!="OK"}[1m]))',
        alerts=("CallsFail", "OutboxIsOld"),
    ),
)  # fmt: skip


async def observe(minutes: float, rate: float, seed: int, data: Path | None, json_wanted: bool) -> None:
    """Until the time is over, or Ctrl-C."""
    if not (0 < minutes <= 240 and 0 < rate <= 50):
        raise Failed("--minutes must be more than 0 and at most 240, --rate more than 0 and at most 50")
    place, console = scratch(data), open_console(stderr=True)
    plan = make_plan(max(1, round(minutes * 60 * rate)), seed)
    try:
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            async with opened(place, CONTEXTS, console, ENVIRONMENT, observe=True) as (running, stack):
                tell(place, running, stack, json_wanted)
                console.print(f"other commands, in another terminal: export {VARIABLE}={place}", soft_wrap=True)
                tour = Tour(place, await views(stack.pages), minutes * 60, console, json_wanted)
                async with asyncio.timeout(minutes * 60), clients(running) as mall:
                    await live_through(plan, mall, seed, tour, console)
    finally:
        if data is None:
            shutil.rmtree(place, ignore_errors=True)


@dataclass(slots=True)
class Tour:
    """Goes alongside a day of `seconds`. Each trouble has its turn: calm first, then trouble, then time to recover."""

    data: Path
    views: Views
    seconds: float
    console: Console
    json_wanted: bool
    _begun: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        for number, trouble in enumerate(TROUBLES):
            await self.until((number + CALM) / len(TROUBLES))
            await self._make(trouble, self.seconds / len(TROUBLES) * TROUBLED)

    async def until(self, share: float) -> None:
        await asyncio.sleep(max(0.0, self._begun + share * self.seconds - time.monotonic()))

    async def _make(self, trouble: Trouble, seconds: float) -> None:
        fault, context, strength = trouble.fault, trouble.context, trouble.strength
        try:
            await switch_fault(self.data, fault, context, True, seconds, strength, self.json_wanted)
        except (PlatformError, Failed) as error:  # whoever looks on may have ended the process
            self.console.print(f"mallbots: no {fault}: {one_line(error)}", soft_wrap=True, markup=False)
            return
        self.console.print(f"  look at: {trouble.seen}", soft_wrap=True)
        for view in self.views.of(trouble.board, trouble.query, trouble.alerts):
            self.console.print(f"    {view}", soft_wrap=True, markup=False)
