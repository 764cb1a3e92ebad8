"""What is measured by looking, not by counting: every few seconds, from the database and from Redis."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mallbots_platform import aside
from mallbots_platform.clock import now_us
from mallbots_platform.database import Database
from mallbots_platform.errors import Unavailable
from mallbots_platform.saga_wakeups import asleep
from mallbots_platform.sagas import Saga
from telemetry.metrics import Meter

if TYPE_CHECKING:
    from mallbots_platform.process import Process

EVERY_SECONDS = 5.0
LAG_SECONDS = "mallbots_stream_lag_seconds"
Known = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True, slots=True)
class Shown:
    """A context's own gauge: how many there are under each value of the label."""

    metric: str
    label: str
    counts: Callable[[], Mapping[Any, int]]


class Gauges:
    def __init__(self, process: "Process") -> None:
        self._process = process
        self._meter: Meter = process.meter
        self._shown: Known = {}
        self._streams: Known = {}
        self._streams_at = 0.0

    async def run(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        process = self._process
        found = await process.readers.run(self._in_database)
        found["mallbots_outbox_pending", ()] = process.relay.behind
        for name, queue in (("writer", process.writer), ("readers", process.readers)):
            found["mallbots_queue_expected_seconds", (("queue", name),)] = queue.expected_seconds
        self._show(found | await self._in_streams())

    def _in_database(self) -> Known:
        process = self._process
        sagas = [each.saga for each in process.sagas]
        return (
            in_database(process.database)
            | sagas_in_trouble(process.database, process.context, sagas)
            | counted(process.shown)
        )

    async def _in_streams(self) -> Known:
        """While Redis does not answer: what was known, and that a group may have missed all that was said since."""
        looked_at = time.monotonic()
        try:
            self._streams, self._streams_at = await self._lags(), looked_at
        except Unavailable:
            unseen = looked_at - self._streams_at
            return {place: value + unseen * (place[0] == LAG_SECONDS) for place, value in self._streams.items()}
        return self._streams

    async def _lags(self) -> Known:
        found: Known = {("mallbots_stream_entries", ()): await self._process.relay.entries()}
        for lag in await self._process.lag.read():
            place = (("group", lag.group), ("partition", str(lag.partition)), ("source", lag.source))
            _most(found, "mallbots_stream_lag_events", place, lag.behind_events)
            _most(found, LAG_SECONDS, place, lag.behind_seconds)
            _most(found, "mallbots_stream_oldest_unacked_seconds", place, lag.oldest_unacked_seconds)
        return found

    def _show(self, found: Known) -> None:
        """What is not there any more shows as 0."""
        for (name, labels), value in {**dict.fromkeys(self._shown, 0.0), **found}.items():
            self._meter.gauge(name, **dict(labels)).set(value)
        self._shown = found


def counted(shown: Iterable[Shown]) -> Known:
    return {
        (each.metric, ((each.label, str(value)),)): number for each in shown for value, number in each.counts().items()
    }


def in_database(database: Database) -> Known:
    now, found = now_us(), Known()
    for saga, step, count, since in database.run(_SAGAS):
        place = (("saga", saga), ("step", step))
        found["mallbots_saga_in_flight", place] = count
        found["mallbots_saga_oldest_seconds", place] = _age(now, since)
    for group, waiting, dead, newer, oldest in database.run(_PARKED):
        found["mallbots_parked", (("group", group),)] = waiting
        found["mallbots_newer", (("group", group),)] = newer
        found["mallbots_dead", (("group", group),)] = dead
        found["mallbots_parked_oldest_seconds", (("group", group),)] = _age(now, oldest)
    [(found["mallbots_outbox_aside", ()],)] = database.run(aside.COUNT)
    [(found["mallbots_newer", (("group", "timers"),)],)] = database.run("SELECT COUNT(*) FROM timers WHERE kept = 1")
    [(due_at,)] = database.run("SELECT MIN(due_at) FROM timers")
    found["mallbots_timers_overdue_seconds", ()] = _age(now, due_at)
    [(committed_at,)] = database.run(_OLDEST_UNPUBLISHED)
    found["mallbots_outbox_oldest_age_seconds", ()] = _age(now, committed_at)
    return found


def sagas_in_trouble(database: Database, context: str, sagas: Iterable[Saga[Any]]) -> Known:
    """None is a number, too: where nothing is shown, nobody may have looked."""
    found: Known = defaultdict(float, _none_in_trouble(sagas))
    for saga, step in database.run(_STUCK):
        found["mallbots_saga_stuck", (("saga", saga), ("step", step))] += 1
    for each in asleep(database, context):
        found["mallbots_saga_asleep", (("saga", each.saga),)] += 1
    return found


def _none_in_trouble(sagas: Iterable[Saga[Any]]) -> Known:
    found = Known()
    for saga in sagas:
        found["mallbots_saga_asleep", (("saga", saga.name),)] = 0
        for step in saga.steps:
            found["mallbots_saga_stuck", (("saga", saga.name), ("step", step.name))] = 0
    return found


def _age(now: int, since: int | None) -> float:
    return max(0.0, (now - since) / 1e6) if since else 0.0


def _most(found: Known, name: str, labels: tuple[tuple[str, str], ...], value: float) -> None:
    """Several channels of one source share a place: the one that is furthest behind counts."""
    found[name, labels] = max(value, found.get((name, labels), 0.0))


_SAGAS = """
    SELECT saga, step, COUNT(*), MIN(changed_at) FROM sagas WHERE state IN ('running', 'compensating')
    GROUP BY saga, step
"""
_STUCK = "SELECT saga, step FROM sagas WHERE state = 'compensating' AND refusal <> ''"
_PARKED = """
    SELECT group_name, SUM(CASE WHEN state IN ('dead', 'newer') THEN 0 ELSE 1 END),
        SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), SUM(CASE WHEN state = 'newer' THEN 1 ELSE 0 END),
        MIN(CASE WHEN state = 'newer' THEN NULL ELSE parked_at END)
    FROM parked GROUP BY group_name
"""
_OLDEST_UNPUBLISHED = """
    SELECT MIN(o.committed_at) FROM outbox_heads h
    JOIN outbox o ON o.channel = h.channel AND o.partition = h.partition AND o.seq = h.published_seq + 1
"""
