"""Faults that can be switched on while a process runs, and switch off by themselves. Free while none is on."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mallbots_platform.errors import InvalidInput, NotFound
from telemetry.bundle import Telemetry

LONGEST_SECONDS = 3600.0
LOOK_SECONDS = 0.2
Begin = Callable[[float], Awaitable[None]]
End = Callable[[], Awaitable[None]]
SLOW_HANDLER, FAILING_HANDLER = "slow-handler", "failing-handler"


async def _nothing() -> None: ...


async def _nothing_more(strength: float) -> None: ...


class InjectedFault(Exception):
    """A handler failed because somebody wants to see what happens then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`means` says what the strength is, between `least` and `most`; `begin` is told it, `end` undoes."""

    name: str
    description: str
    means: str = ""
    strength: float = 1.0
    least: float = 0.0
    most: float = 1.0
    begin: Begin = _nothing_more
    end: End = _nothing


@dataclass(frozen=True, slots=True)
class Switched:
    strength: float
    until: float

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())


HANDLER_FAULTS = (
    Fault(
        name=SLOW_HANDLER, description="every handler takes longer", means="seconds more", strength=0.2, most=10.0
    ),
    Fault(
        name=FAILING_HANDLER, description="handlers fail, as with a bug", means="share of attempts", strength=0.5
    ),
)  # fmt: skip


class Faults:
    """Those of one process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.known: dict[str, Fault] = {}
        self.switched: dict[str, Switched] = {}
        self._telemetry = telemetry
        for fault in HANDLER_FAULTS:
            self.declare(fault)

    def declare(self, fault: Fault) -> None:
        self.known[fault.name] = fault
        self._telemetry.meter.gauge("mallbots_faults_active", fault=fault.name).set(0)

    async def switch_on(self, name: str, seconds: float, strength: float | None = None) -> Switched:
        """For that long; again, for that long from now. Raises NotFound, InvalidInput."""
        fault = self._fault(name)
        wanted = fault.strength if strength is None else strength
        if not 0 < seconds <= LONGEST_SECONDS:
            raise InvalidInput("seconds", f"is {seconds:g}, must be more than 0 and at most {LONGEST_SECONDS:g}")
        if not fault.least <= wanted <= fault.most:
            raise InvalidInput("strength", f"is {wanted:g}, must be between {fault.least:g} and {fault.most:g}")
        await self.switch_off(name)
        self.switched[name] = Switched(wanted, time.monotonic() + seconds)
        self._telemetry.meter.gauge("mallbots_faults_active", fault=name).set(1)
        self._telemetry.log.warning("fault switched on", fault=name, seconds=seconds, strength=wanted)
        await fault.begin(wanted)
        return self.switched[name]

    async def switch_off(self, name: str) -> bool:
        """Whether it was on. Raises NotFound."""
        fault = self._fault(name)
        if self.switched.pop(name, None) is None:
            return False
        await fault.end()
        self._telemetry.meter.gauge("mallbots_faults_active", fault=name).set(0)
        self._telemetry.log.warning("fault switched off", fault=name)
        return True

    async def run(self) -> None:
        """Switch off what has lasted long enough, until cancelled; then everything."""
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                for name, switched in list(self.switched.items()):
                    if not switched.seconds_left:
                        await self.switch_off(name)
        finally:
            for name in list(self.switched):
                await self.switch_off(name)

    def strength(self, name: str) -> float:
        """0 when it is off."""
        switched = self.switched.get(name)
        return switched.strength if switched and switched.seconds_left else 0.0

    def disturb_handler(self) -> None:
        """In the writer's thread, before each attempt. Raises InjectedFault."""
        if not self.switched:
            return
        if seconds := self.strength(SLOW_HANDLER):
            time.sleep(seconds)
        if random.random() < self.strength(FAILING_HANDLER):
            raise InjectedFault("the fault failing-handler is switched on")

    def _fault(self, name: str) -> Fault:
        if name not in self.known:
            raise NotFound("fault", name)
        return self.known[name]
