"""A process (saga) has a next wake-up, or it has ended: the one place where that is looked at, and mended."""

from typing import NamedTuple

from mallbots_platform.clock import now
from mallbots_platform.database import Database
from mallbots_platform.orchestration import AnswerIsOverdue
from mallbots_platform.timers import Timers

MOST = 1000


class Asleep(NamedTuple):
    """A process that has neither ended nor a timer: nothing but a late answer would ever move it again."""

    saga: str
    id: str
    step: str
    awaiting: str


def asleep(database: Database, context: str) -> list[Asleep]:
    """The oldest of them; there should be none at any moment."""
    rows = database.run(_ASLEEP, (f"{context}.{AnswerIsOverdue.__name__}", MOST))
    return [Asleep(*row) for row in rows]


def wake_up(database: Database, context: str, timers: Timers) -> list[Asleep]:
    """Those that were asleep go on at once. Part of the transaction of the piece that runs."""
    found = asleep(database, context)
    for each in found:
        key = each.id.removeprefix(f"{each.saga}:")
        timers.set(AnswerIsOverdue(saga=each.saga, key=key, message_id=each.awaiting), each.id, now())
    return found


_ASLEEP = """
    SELECT s.saga, s.id, s.step, s.awaiting FROM sagas s
    WHERE s.state IN ('running', 'compensating')
        AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.type = ? AND t.key = s.id)
    ORDER BY s.started_at, s.id LIMIT ?
"""
