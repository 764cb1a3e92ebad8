"""The faults that a process can make itself."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble
from mallbots_platform import operator_pb2 as pb


def switches(running: Supervisor, dice: random.Random) -> Iterator[Trouble]:
    def inside(kind: str, seconds: float, strength: float | None = None, context: str = "") -> Trouble:
        target = context or dice.choice(running.contexts)
        return Trouble(kind, target, lambda: _switched_on(running.data, target, kind, seconds, strength))

    yield inside("locked-database", 3.0)
    yield inside("slow-handler", 1.5, 0.05)
    yield inside("failing-handler", 2.0, 0.3)
    yield inside("poison-event", 1.0, 4)
    yield inside("clock-jump", 1.0, 5, context="payments")


async def _switched_on(data: Path, context: str, fault: str, seconds: float, strength: float | None) -> None:
    """The fault's own time is waited for, so that it has switched itself off."""
    request = pb.SwitchFaultRequest(name=fault, on=True, seconds=seconds, strength=strength)
    async with open_operators(data) as operators:
        await operators.of(context).SwitchFault(request, timeout=DEADLINE_SECONDS)
    await asyncio.sleep(seconds)


async def discard_poison(operators: Operators) -> None:
    """As an operator does who has seen it: bytes without a key hold up nobody, and are kept as evidence only."""
    for context, parked in await operators.parked(state="dead"):
        if not parked.message_id:
            await operators.of(context).DiscardParked(pb.DiscardParkedRequest(id=parked.id), timeout=DEADLINE_SECONDS)
