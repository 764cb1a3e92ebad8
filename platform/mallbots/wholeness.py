"""When a trouble is over: nobody complains, and all that had been said by then is applied by every subscriber."""

import asyncio
import time
from collections.abc import Collection

from mallbots.operators import DEADLINE_SECONDS, Operators
from mallbots.reporting import counted
from mallbots.sagas import ASLEEP, key_of, sagas
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import PlatformError

PAUSE_SECONDS = 0.05
Place = tuple[str, str, int]


async def until_whole(operators: Operators, seconds: float, lost: Collection[str] = ()) -> str:
    """Wait for it, but not for ever. What is wrong in the end; empty when nothing is. Messages about something `lost`
    may be tried for as long as they like."""
    deadline, heads, wrong = time.monotonic() + seconds, dict[Place, int](), "nobody answers"
    while time.monotonic() < deadline:
        try:
            heads = heads or await _heads(operators)
            wrong = await _wrong(operators, heads, lost)
        except PlatformError as error:
            wrong = str(error)
        if not wrong:
            return ""
        await asyncio.sleep(PAUSE_SECONDS)
    return wrong


async def _heads(operators: Operators) -> dict[Place, int]:
    """The last number that each context has committed, by source, channel and partition."""
    found = await asyncio.gather(*(_heads_of(operators, context) for context in operators.contexts))
    return {place: last for heads in found for place, last in heads.items()}


async def _heads_of(operators: Operators, context: str) -> dict[Place, int]:
    operator = operators.of(context)
    channels = (await operator.ReadLog(pb.ReadLogRequest(limit=1), timeout=DEADLINE_SECONDS)).channels
    heads = {}
    for channel in channels:
        for partition in range(await operators.partitions(context)):
            request = pb.ReadLogRequest(channel=channel, partition=partition, limit=1)
            answer = await operator.ReadLog(request, timeout=DEADLINE_SECONDS)
            heads[context, channel, partition] = answer.last_sequence
    return heads


async def _wrong(operators: Operators, heads: dict[Place, int], lost: Collection[str]) -> str:
    for context, status in (await operators.ask("GetStatus", pb.GetStatusRequest())).items():
        if status.troubles:
            return f"{context}: {status.troubles[0]}"
    for answer in (await operators.ask("GetLag", pb.GetLagRequest())).values():
        for lag in answer.lags:
            head = heads.get((lag.source, lag.channel, lag.partition), 0)
            if lag.applied_sequence < head:
                behind = head - lag.applied_sequence
                return f"{lag.group} is {behind} behind in {lag.source}.{lag.channel} {lag.partition}"
    waiting = [each for _, each in await operators.parked() if each.state != "dead" and each.subject not in lost]
    if waiting:
        return f"{counted(len(waiting), 'message')} to be tried again"
    asleep = [each for each in await sagas(operators, trouble=ASLEEP) if key_of(each) not in lost]
    return f"{counted(len(asleep), 'process', 'processes')} without a next wake-up" if asleep else ""
