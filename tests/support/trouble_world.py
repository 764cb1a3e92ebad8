"""Two small contexts over the real platform, to which everything happens that the registry has a name for.

`cases` publishes, serves, sets timers, has jobs done and runs a saga that nobody answers; `reader` subscribes, and
calls.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.errors import RuleViolated, Unavailable
from mallbots_platform.event_store import EventSourced
from mallbots_platform.gauges import Gauges
from mallbots_platform.grpc_server import read, write
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.process import Process, open_process
from mallbots_platform.sagas import Facts, Saga, Step
from mallbots_platform.settings import Settings
from mallbots_platform.work_queues import WorkQueue
from tests.support.demo_run import Samples, note_metrics
from tests.support.echo import SERVICE, Note
from tests.support.lost_connections import lose_transaction
from tests.support.world import Running, World, eventually

KEY = "k"
PATIENCE = 40.0
SECRETS = ("hunter2", "bob@example.org", "664 5551234", "eyJhbGciOi")
WRONG = "no access to redis://mall:hunter2@redis with token=eyJhbGciOi, asked by bob@example.org, +43 664 5551234"
FAILS_TWICE, NEVER, LOSES = "fails twice", "never", "loses its connection"


@event
class Opened:
    case: str


@event
class Said:
    text: str


@command
class Remind:
    text: str


@command
class SendLetter:
    text: str


@command
class Ask:
    case: str


@command
class Close:
    case: str


CASES = Contract(context="cases", events=(Opened, Said), commands=(Close, SendLetter))
NOBODY = Contract(context="nobody", commands=(Ask,))
READER = Contract(context="reader")


class Case(Aggregate):
    def apply(self, event: object) -> None: ...


def asked(facts: Facts[Opened]) -> Ask:
    return Ask(case=facts.begun_by.case)


saga = Saga(
    name="case",
    begins_on=Opened,
    key=lambda opened: opened.case,
    steps=(Step("ask", to="nobody", do=asked, timeout_seconds=0.05),),
    ends_with=lambda facts: Close(case=facts.begun_by.case),
    fails_with=lambda facts: Close(case=facts.begun_by.case),
)


class No(RuleViolated):
    pass


class Moody:
    """Fails twice, refuses for ever, loses its connection, or does it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failed = 0
        self.process: Process

    def take(self, message: Said | Remind | SendLetter) -> None:
        if message.text == FAILS_TWICE and self.failed < 2:
            self.failed += 1
            raise ValueError(WRONG)
        if message.text == NEVER:
            raise No("never")
        if message.text == LOSES:
            lose_transaction(self.process.database)
        self.done.append(message.text)

    async def work(self, job: SendLetter) -> None:
        self.take(job)


class Api:
    def __init__(self, process: Process) -> None:
        self._process = process

    @read
    def Look(self, note: Any) -> Any:
        if note.text == NEVER:
            raise No("never")
        return Note(text=note.text)

    @write
    def Change(self, note: Any) -> Any:
        self._process.outbox.record(Said(text=note.text), key=KEY)
        return Note(text=note.text)

    async def Wait(self, note: Any) -> Any:
        raise ValueError(WRONG)


class Troubles:
    """The two at work, and what they measured so far."""

    def __init__(self, world: World, measured: Samples) -> None:
        self.world = world
        self.measured = measured
        self.timers, self.heard, self.jobs = Moody(), Moody(), Moody()
        self.cases: Running
        self.reader: Running
        self.repository: EventSourced[Case]
        self.letters: WorkQueue

    @property
    def stream(self) -> StreamName:
        return StreamName("cases", "events", partition_of(KEY, self.cases.process.settings.partitions))

    async def start_cases(self) -> None:
        self.cases = await self.world.start(self._open_cases(self.world.settings_of("cases")))

    async def start_reader(self) -> None:
        self.reader = await self.world.start(self._open_reader(self.world.settings_of("reader")))

    async def look(self) -> None:
        """What both measure now."""
        for running in (self.cases, self.reader):
            with contextlib.suppress(Unavailable):
                await Gauges(running.process).look()
            await asyncio.to_thread(note_metrics, self.measured, running.process.endpoint.metrics)

    async def say(self, *texts: str, key: str = KEY) -> None:
        process = self.cases.process
        await process.change(lambda: [process.outbox.record(Said(text=text), key=key) for text in texts])

    async def hears(self, text: str) -> None:
        await self.say(text)
        await eventually(lambda: text in self.heard.done, PATIENCE)

    @asynccontextmanager
    async def _open_cases(self, settings: Settings) -> AsyncIterator[Process]:
        async with open_process(CASES, settings) as process:
            self.repository = process.event_sourced(Case, events=(Opened, Said))
            process.publish(lambda source, happened: [happened] if isinstance(happened, Opened) else [])
            process.serve(Api(process), SERVICE)
            process.on_timers({Remind: self.timers.take})
            self.letters = process.work_queue("letters", {SendLetter: self.jobs.work})
            process.orchestrate(saga, {Close: lambda close: None}, taken_by={"nobody": NOBODY})
            yield process

    @asynccontextmanager
    async def _open_reader(self, settings: Settings) -> AsyncIterator[Process]:
        async with open_process(READER, settings) as process:
            self.heard.process = process
            process.subscribe(CASES, {Said: self.heard.take})
            yield process
