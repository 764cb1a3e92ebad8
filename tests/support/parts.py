"""The parts of a process over one database, with no process, no Redis and no network around them."""

import asyncio
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import MetaData

from mallbots_platform import schema
from mallbots_platform.calls import ProcessCalls
from mallbots_platform.causes import UNKNOWN, Cause
from mallbots_platform.codec import Codec
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.database import Database
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.messages import Contract
from mallbots_platform.migrations import PLATFORM, bring_up_to_date
from mallbots_platform.outbox import Outbox
from mallbots_platform.readers import Readers
from mallbots_platform.requests import Requests
from mallbots_platform.timers import Timers
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.facts import open_facts
from telemetry.logs import open_log
from telemetry.metrics import Meter
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from tests.conftest import new_database

T = TypeVar("T")


KINDS = ("sqlite", "postgresql")


def empty_database(request: pytest.FixtureRequest, directory: Path, *more: MetaData) -> str:
    """Of the kind that the fixture's parameter names, also without the rows of other tables that tests have made."""
    if request.param == "sqlite":
        return f"sqlite:///{directory / 'context.db'}"
    return empty_postgres(request.getfixturevalue("postgres_url"), *more)


def empty_postgres(postgres_url: str, *more: MetaData) -> str:
    """The same database each time: making one takes longer than most tests."""
    url = _one_database(postgres_url)
    database = Database(url)
    bring_up_to_date(database, PLATFORM, schema.metadata, schema.MIGRATIONS)
    for metadata in more:
        database.create(metadata)
    database.run("BEGIN")
    for metadata in (schema.metadata, *more):
        for table in metadata.tables.values():
            database.execute(table.delete())
    database.run("COMMIT")
    database.close()
    return url


@lru_cache
def _one_database(postgres_url: str) -> str:
    return new_database(postgres_url)


class Parts(AbstractAsyncContextManager["Parts"]):
    """What a process of `contract` has; another one over the same database is like a second process, or a restart."""

    def __init__(self, url: str, contract: Contract, *, partitions: int = 4) -> None:
        self.url = url
        self.contract = contract
        self.partitions = partitions
        self.spans = CapturedSpans()
        self.logged = io.StringIO()

    async def __aenter__(self) -> "Parts":
        context = self.contract.context
        self.telemetry = captured_telemetry(context, self.spans, self.logged)
        self.meter = self.telemetry.meter
        self.codec = Codec(self.contract)
        self.database = Database(self.url)
        bring_up_to_date(self.database, PLATFORM, schema.metadata, schema.MIGRATIONS)
        self.database.run("SELECT 1")  # the first connection sets SQLite's journal up, which two cannot do at once
        self.writer = Writer(self.database, self.meter)
        self.readers = Readers(self.database)
        self.outbox = Outbox(
            context, self.partitions, self.writer, self.codec, self.telemetry.tracer, self.telemetry.facts
        )
        self.requests = Requests(self.database, self.meter)
        self.calls = ProcessCalls(self.writer, self.readers, self.requests, self.meter)
        self.notes = CrashNotes(self.database)
        self.timers = Timers(context, self.writer, self.readers, self.requests, self.telemetry, self.notes)
        self.writer.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.writer.stop()
        self.readers.close()
        self.database.close()

    async def change(self, work: Callable[[], T], cause: Cause = UNKNOWN) -> T:
        return await self.writer.run(work, cause)

    async def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return await self.readers.run(lambda: self.database.run(statement, parameters))

    async def published(self, channel: str = "events") -> list[Envelope]:
        """What the outbox holds of a channel, in the order of its commits."""
        rows = await self.rows("SELECT envelope FROM outbox WHERE channel = ? ORDER BY committed_at, seq", channel)
        return [decode_envelope(raw) for (raw,) in rows]

    def measured(self, metric: str, **labels: str) -> float:
        return measured(self.meter, metric, **labels)


def captured_telemetry(context: str, spans: CapturedSpans, logged: io.StringIO) -> Telemetry:
    log = open_log(context, logged)
    return Telemetry(Tracer(spans), Meter(context), log, open_facts(context, log, logged))


def measured(meter: Meter, metric: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    samples = (sample for family in meter.registry.collect() for sample in family.samples)
    return sum(s.value for s in samples if s.name == metric and labels.items() <= s.labels.items())


async def both(first: Any, second: Any) -> list[Any]:
    """What two awaitables came to at the same time; a failure is its exception."""
    return list(await asyncio.gather(first, second, return_exceptions=True))
