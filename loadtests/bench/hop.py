"""A hop: read an event, write a row, publish a follow-up, acknowledge; with 5,000 events waiting when it begins."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.bench.contenders import CannotMeasure, Contender, Started
from loadtests.bench.costs import Cost
from loadtests.bench.mail import RECEIVER, SENDER, LetterReceived, LetterSent, Sender, streams
from loadtests.bench.stage import Stage
from mallbots_platform.clock import now_us
from mallbots_platform.envelope import encode_envelope

EVENTS = 5_000
AT_ONCE = 500
READS, WRITES = ([stream.key for stream in streams(contract)] for contract in (SENDER, RECEIVER))
OURS = Contender(name="ours", module="loadtests.bench.consumers.ours", reads=READS, writes=WRITES)
BARE = replace(OURS, name="bare redis-py", module="loadtests.bench.consumers.bare")
STOCK = replace(OURS, name="bare redis-py, stock OpenTelemetry", module="loadtests.bench.consumers.stock")


class WorkNotDone(CannotMeasure):
    """A run that did not do all of its work measures nothing."""


def run(stage: Stage, contender: Contender, events: int = EVENTS, *, traced: bool = True) -> Cost:
    """One run of a contender, on an empty store, over events that wait in the stream."""
    place = stage.empty()
    if not contender.fills:
        send(stage, Sender(), events)
    return consume(stage, contender, place, events, traced=traced)


def consume(
    stage: Stage, contender: Contender, place: Path, events: int, *, so_far: int = 0, traced: bool = True
) -> Cost:
    """What the waiting events cost. `so_far`: how many there have been in all; `traced`: spans go to the receiver."""
    in_all = so_far or events
    work = {
        "events": events,
        "redis": stage.redis.url,
        "database": str(place / "receiver.db"),
        "cores": stage.cores.measured,
    }
    with Started(contender, work, place / "log", stage.telemetry if traced else {}) as consumer:
        stage.receiver.clear()
        consumer.go()
        wall = consumer.watch(lambda: is_done(stage, contender, in_all))
        used = consumer.end()
    _check(stage, contender, place, in_all)
    return Cost(
        events=events,
        cpu_seconds=used["cpu_seconds"],
        wall_seconds=wall,
        peak_mib=used["peak_mib"],
        spans_lost=_spans_lost(stage, events) if traced else 0,
    )


def send(stage: Stage, sender: Sender, events: int) -> None:
    """Into the streams, as the sender's relay would."""
    letters = sender.write(events)
    for first in range(0, len(letters), AT_ONCE):
        pipeline = stage.client.pipeline(transaction=False)
        for stream, envelope in letters[first : first + AT_ONCE]:
            fields: dict[Any, Any] = {"e": encode_envelope(envelope), "t": now_us()}
            pipeline.xadd(stream.key, fields, id=f"{envelope.sequence}-0")
        pipeline.execute()


def is_done(stage: Stage, contender: Contender, events: int) -> bool:
    """Whether all receipts are out and all letters are acknowledged."""
    return _written(stage, contender) >= events and not _pending(stage, contender)


def _written(stage: Stage, contender: Contender) -> int:
    return sum(stage.client.xlen(stream) for stream in contender.writes)


def _pending(stage: Stage, contender: Contender) -> int:
    groups: Iterable[Any] = (group for stream in contender.reads for group in stage.client.xinfo_groups(stream))
    return sum(group["pending"] for group in groups)


def _check(stage: Stage, contender: Contender, place: Path, events: int) -> None:
    """Every letter written down once, every receipt sent once."""
    with closing(sqlite3.connect(place / "receiver.db")) as database:
        [(rows, different)] = database.execute("SELECT COUNT(*), COUNT(DISTINCT number) FROM letters")
    receipts = _written(stage, contender)
    if (rows, different, receipts) != (events, events, events):
        raise WorkNotDone(f"{rows} rows of {different} letters, {receipts} receipts: should be {events} each")


def _spans_lost(stage: Stage, events: int) -> int:
    """Of the two that each event has."""
    counts = stage.receiver.counts()
    names = (f"process {SENDER.wire_name(LetterSent)}", f"create {RECEIVER.wire_name(LetterReceived)}")
    return sum(events - counts.get(name, 0) for name in names)
