"""When a run is over: everything that was said has been published and applied, and no process (saga) is under way."""

import asyncio
import time
from collections.abc import Collection

from mallbots.lag import lags
from mallbots.operators import Operators
from mallbots.reporting import counted
from mallbots_platform import operator_pb2 as pb

PAUSE_SECONDS = 0.1


async def until_quiet(operators: Operators, seconds: float, lost: Collection[str] = ()) -> str:
    """Wait for it, but not for ever. What is still going on in the end; empty when nothing is. Messages about something
    `lost` may be tried for as long as they like."""
    deadline, quiet_at = time.monotonic() + seconds, -1
    while True:
        busy, committed = await _activity(operators, lost)
        if not busy and committed == quiet_at:
            return ""
        quiet_at = -1 if busy else committed
        if time.monotonic() > deadline:
            return busy or "new messages"
        await asyncio.sleep(PAUSE_SECONDS)


async def _activity(operators: Operators, lost: Collection[str]) -> tuple[str, int]:
    """What is going on, and how many messages have been said in all."""
    totals = await operators.ask("GetTotals", pb.GetTotalsRequest())
    committed = sum(each.committed for each in totals.values())
    unpublished = committed - sum(each.published for each in totals.values())
    if unpublished > 0:
        return f"{counted(unpublished, 'message')} to be published", committed
    behind = sum(each.behind_events for each in await lags(operators))
    if behind:
        return f"{counted(behind, 'message')} to be handled", committed
    waiting = [each for _, each in await operators.parked() if each.state != "dead" and each.subject not in lost]
    if waiting:
        return f"{counted(len(waiting), 'message')} to be tried again", committed
    for state in ("running", "compensating"):
        answers = await operators.ask("ListSagas", pb.ListSagasRequest(state=state))
        if under_way := sum(len(answer.sagas) for answer in answers.values()):
            return f"{counted(under_way, 'process', 'processes')} {state}", committed
    return "", committed
