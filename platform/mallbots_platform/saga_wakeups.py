"""A process (saga) has a next wake-up, or it has ended: the one place where that is looked at, and mended."""

from typing import NamedTuple

from mallbots_platform.clock import now
from mallbots_platform.database import Database
from mallbots_platform.orchestration import AnswerIsOverdue
from mallbots_platform.timers import Timers
from mallbots_platform.timers_aside import AT_NO_TIME

MOST = 1000


class Asleep(NamedTuple):
    """A process that has neither ended nor a timer that will go off: nothing but a late answer would ever move it
    again. One whose timer was set aside, for it has killed, sleeps until an operator has decided."""

    saga: str
    id: str
    step: str
    awaiting: str


def asleep(database: Database, context: str) -> list[Asleep]:
    """The oldest of them; there should be none at any moment."""
    return [Asleep(*row) for row in database.run(_ASLEEP, (timer_type(context), MOST))]


def timer_type(context: str) -> str:
    """Of the timers that wake processes."""
    return f"{context}.{AnswerIsOverdue.__name__}"


def wake_up(database: Database, context: str, timers: Timers) -> list[Asleep]:
    """Those that have no timer at all go on at once. Part of the transaction of the piece that runs."""
    found = [Asleep(*row) for row in database.run(_WITHOUT_TIMER, (timer_type(context),))]
    for each in found:
        key = each.id.removeprefix(f"{each.saga}:")
        timers.set(AnswerIsOverdue(saga=each.saga, key=key, message_id=each.awaiting), each.id, now())
    return found


_NONE_THAT = """
    state IN ('running', 'compensating')
        AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.type = ? AND timers.key = sagas.id AND {which})
"""
_SELECT = "SELECT saga, id, step, awaiting FROM sagas WHERE"
IS_ASLEEP = _NONE_THAT.format(which=f"timers.due_at < {AT_NO_TIME}")
_ASLEEP = f"{_SELECT} {IS_ASLEEP} ORDER BY started_at, id LIMIT ?"
_WITHOUT_TIMER = f"{_SELECT} {_NONE_THAT.format(which='TRUE')}"
