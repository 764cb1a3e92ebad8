"""A run from its beginning to its account: a mall, Locust, a fault perhaps, and then the books."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.account import account, open_orders
from loadtests.faults import FaultSwitch
from loadtests.instructions import Instructions
from loadtests.locust_process import LocustProcess
from loadtests.loopback import must_be_loopback
from loadtests.measurements import Measurements
from loadtests.objectives import SETTLE_SECONDS
from loadtests.record import Begun, Line, Tick
from loadtests.steps import has_broken
from loadtests.verdict import Run
from loadtests.wanted import Wanted
from loadtests.watch import Watch
from mallbots.actors.mall import Mall
from mallbots.directories import CONTEXTS, contexts_with_data
from mallbots.liveness import live_endpoints
from mallbots.reporting import SIGNALS, Failed
from mallbots.supervisor import supervised
from mallbots_platform.errors import PlatformError

HURRIED_SETTLE_SECONDS = 20.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Place:
    """The data directory of the mall. Ours is removed afterwards, unless it `stays`."""

    data: Path
    is_ours: bool
    stays: bool


async def conduct(wanted: Wanted, say: Say, follow: Callable[[Measurements], None]) -> Run:
    """`say` hears of what happens, `follow` gets what is known every second. Raises Failed when it cannot begin."""
    async with contextlib.AsyncExitStack() as stack:
        place = await stack.enter_async_context(_mall(wanted, say))
        addresses = _addresses(place.data)
        mall = Mall(addresses)
        stack.push_async_callback(mall.close)
        spared = set() if place.is_ours else await open_orders(mall)
        session = _Session(wanted, _instructions(wanted, addresses), place.data)
        run = await session.play(say, follow)
        say("the last customer has left; looking at what became of every order")
        await _account(run, place, mall, spared)
        if place.is_ours and not run.is_whole:
            place.stays = True
            say(f"kept in {place.data}: look at an order with `mallbots flow ORDER --data {place.data}`")
        return run


class _Session:
    """While Locust runs."""

    def __init__(self, wanted: Wanted, instructions: Instructions, data: Path) -> None:
        self._locust = LocustProcess(instructions)
        self._watch = Watch(data)
        self._switch = FaultSwitch(wanted.fault, data) if wanted.fault else None
        self._measured = Measurements()
        self._run = Run(instructions=instructions, measured=self._measured)
        self._beside: list[asyncio.Task[None]] = []
        self._is_ramping = self._run.is_ramp
        self._interrupted_by: list[signal.Signals] = []

    async def play(self, say: Say, follow: Callable[[Measurements], None]) -> Run:
        run = self._run

        def hear(line: Line) -> None:
            self._measured.take(line)
            if isinstance(line, Begun):
                self._begin(say, line)
            if isinstance(line, Tick):
                self._judge_ramp()
                follow(self._measured)

        try:
            run.trouble = await self._locust.run(hear)
        finally:
            for task in self._beside:
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)
        if self._interrupted_by:
            run.interruption = f"interrupted by {self._interrupted_by[0].name}"
        run.costs = {part: cost.cpu_seconds for part, cost in self._watch.costs.items()}
        run.moments = self._watch.moments
        run.fault = self._switch.period if self._switch else None
        return run

    def _begin(self, say: Say, begun: Begun) -> None:
        self._listen_to_signals(say)
        run = self._run
        say(f"customers come for {run.shape.seconds:g} s: {run.shape.name}, up to {run.highest:g} {run.unit}")
        if begun.page:
            say(f"Locust shows itself at {begun.page}")
        self._beside.append(asyncio.create_task(self._watch.watch()))
        if self._switch:
            self._beside.append(asyncio.create_task(self._switch.during(self._run.shape.seconds)))

    def _judge_ramp(self) -> None:
        run = self._run
        if self._is_ramping and has_broken(run.measured, run.shape, run.highest, run.measured.seconds):
            self._is_ramping = False
            self._locust.let_no_more_come()

    def _listen_to_signals(self, say: Say) -> None:
        """From now on there is something to be told: the first one ends the run, and only a second one ends us."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def told(number: signal.Signals) -> None:
            if self._interrupted_by and task:
                task.cancel()
            self._interrupted_by.append(number)
            self._locust.hurry()
            say("ending; what has been found will be told, once more and it will not")

        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, told, number)


async def _account(run: Run, place: Place, mall: Mall, spared: set[str]) -> None:
    """Whom the end of an interrupted run has cut short, may have left an order open."""
    if run.interruption:
        spared |= {each.order_id for each in run.measured.surprises if each.cut}
    settle = HURRIED_SETTLE_SECONDS if run.interruption else SETTLE_SECONDS
    try:
        run.account = await account(
            place.data, mall, run.measured, spared, settle_seconds=settle, is_ours=place.is_ours
        )
    except (PlatformError, Failed) as error:
        run.unaccounted = f"the mall did not answer: {error}"


@asynccontextmanager
async def _mall(wanted: Wanted, say: Say) -> AsyncIterator[Place]:
    if wanted.data and live_endpoints(wanted.data):
        yield Place(wanted.data, is_ours=False, stays=True)
        return
    if wanted.data and contexts_with_data(wanted.data):
        raise Failed(f"{wanted.data} holds an earlier run, and nothing runs there: start `mallbots up`, or remove it")
    data = wanted.data or Path(tempfile.mkdtemp(prefix="mallbots-load-"))
    place = Place(data, is_ours=True, stays=bool(wanted.data))
    try:
        say("starting a mall")
        async with supervised(data, CONTEXTS, report=say):
            yield place
    finally:
        if not place.stays:
            shutil.rmtree(data, ignore_errors=True)


def _addresses(data: Path) -> dict[str, str]:
    """Of all contexts' APIs. Raises Failed when one does not run, or is not on this machine's loopback."""
    endpoints = live_endpoints(data)
    if missing := [context for context in CONTEXTS if context not in endpoints]:
        raise Failed(f"{', '.join(missing)} does not run in {data}: a load test needs all of {', '.join(CONTEXTS)}")
    return {context: must_be_loopback(endpoints[context].grpc) for context in CONTEXTS}


def _instructions(wanted: Wanted, addresses: dict[str, str]) -> Instructions:
    return Instructions(
        addresses=addresses,
        shape=wanted.shape,
        seconds=wanted.seconds,
        rate=wanted.rate,
        users=wanted.users,
        seed=wanted.seed,
        page=wanted.page,
        metrics=wanted.metrics,
    )
