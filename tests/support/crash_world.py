"""Two small contexts that use every part of the platform, each a process that may be told where to die.

`desk` opens cases and runs their saga, timers, snapshots and letters; `office` carries out commands and takes note.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text

from mallbots_platform import crash_points
from mallbots_platform.aggregates import Aggregate
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, RuleViolated
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.migrations import Migration
from mallbots_platform.process import Process, open_process
from mallbots_platform.retention import Retention
from mallbots_platform.sagas import Facts, Saga, Step
from mallbots_platform.settings import Settings
from mallbots_platform.work_queues import WorkQueue

CASES = 12


@event
class CaseOpened:
    case: str


@event
class CaseClosed:
    case: str


@event
class CaseRefused:
    case: str


@event
class CaseReminded:
    case: str


@event
class Stamped:
    case: str


@command
class Stamp:
    case: str


@command
class Unstamp:
    case: str


@command
class File:
    case: str


@command
class Unfile:
    case: str


@command
class Close:
    case: str


@command
class Refuse:
    case: str


@command
class Remind:
    case: str


@command
class SendLetter:
    case: str


DESK = Contract(
    context="desk", events=(CaseOpened, CaseClosed, CaseRefused, CaseReminded), commands=(SendLetter, Close, Refuse)
)
OFFICE = Contract(context="office", events=(Stamped,), commands=(Stamp, Unstamp, File, Unfile))


class Case(Aggregate):
    state: str = ""
    reminders: int = 0

    def apply(self, event: object) -> None:
        match event:
            case CaseOpened():
                self.state = "open"
            case CaseClosed():
                self.state = "closed"
            case CaseRefused():
                self.state = "refused"
            case CaseReminded():
                self.reminders += 1


def case_of(facts: Facts[CaseOpened]) -> str:
    return facts.begun_by.case


saga = Saga(
    name="case",
    begins_on=CaseOpened,
    key=lambda opened: opened.case,
    steps=(
        Step(
            "stamp",
            to="office",
            do=lambda f: Stamp(case=case_of(f)),
            undo=lambda f: Unstamp(case=case_of(f)),
            timeout_seconds=300,
        ),
        Step(
            "file",
            to="office",
            do=lambda f: File(case=case_of(f)),
            undo=lambda f: Unfile(case=case_of(f)),
            timeout_seconds=300,
        ),
    ),
    ends_with=lambda f: Close(case=case_of(f)),
    fails_with=lambda f: Refuse(case=case_of(f)),
)


class FileIsFull(RuleViolated):
    pass


def is_refused(case: str) -> bool:
    return int(case.partition("-")[2]) % 3 == 0


metadata = MetaData()
effects, seen = (
    Table(
        name,
        metadata,
        Column("position", Integer, primary_key=True, autoincrement=True),
        Column("case_id", Text, nullable=False),
        Column("what", Text, nullable=False),
    )
    for name in ("effects", "seen")
)
REPLAYS = 3


ARCHIVED = 200
first_archive = MetaData()
Table("archive", first_archive, Column("number", Integer, primary_key=True))
archive_metadata = MetaData()
archive = Table(
    "archive",
    archive_metadata,
    Column("number", Integer, primary_key=True),
    Column("copied", Integer, nullable=False, server_default="0"),
)


def count_a_copy(database: Database, behind: str, rows: int) -> str | None:
    last = min(int(behind or -1) + rows, ARCHIVED - 1)
    database.run("UPDATE archive SET copied = copied + 1 WHERE number > ? AND number <= ?", (int(behind or -1), last))
    return None if last == ARCHIVED - 1 else str(last)


ARCHIVE_MIGRATIONS = (
    Migration(
        number=2,
        name="copies are counted",
        statements=("ALTER TABLE archive ADD COLUMN copied INTEGER NOT NULL DEFAULT 0",),
        online=count_a_copy,
    ),
)


def open_old_archive(process: Process) -> None:
    """As an earlier program left it, which may be this one, before it died."""
    database = process.database
    with database.alone():
        if "archive" not in database.table_names():
            first_archive.create_all(database.connection)
            database.run_many("INSERT INTO archive VALUES (?)", [(number,) for number in range(ARCHIVED)])
    process.create_tables(archive_metadata, ARCHIVE_MIGRATIONS)


@dataclass
class Desk:
    process: Process
    cases: EventSourced[Case]
    letters: Path

    def open_case(self, case: str) -> None:
        if self.cases.find(case) is None:
            opened = Case(id=case)
            opened.record(CaseOpened(case=case))
            self.cases.add(opened)
            self.process.timers.set(Remind(case=case), case, self.process.now() + timedelta(milliseconds=30))

    def change(self, case: str, happened: object) -> None:
        changed = self.cases.get(case)
        changed.record(happened)
        self.cases.save(changed)

    def close(self, close: Close, queue: WorkQueue) -> None:
        self.change(close.case, CaseClosed(case=close.case))
        queue.put(SendLetter(case=close.case), close.case)

    async def send_letter(self, letter: SendLetter) -> None:
        with self.letters.open("a") as out:
            out.write(f"{letter.case}\n")


@asynccontextmanager
async def open_desk(settings: Settings, directory: Path) -> AsyncIterator[Process]:
    async with open_process(DESK, settings) as process:
        open_old_archive(process)
        cases = EventSourced(Case, DESK.events, process.database, process.outbox, process.meter, snapshot_every=2)
        desk = Desk(process, cases, directory / "letters")
        queue = process.work_queue("letters", {SendLetter: desk.send_letter}, claim_seconds=1.0)
        process.publish(lambda source, happened: [happened] if isinstance(source, Case) else [])
        process.on_timers({Remind: lambda remind: desk.change(remind.case, CaseReminded(case=remind.case))})
        process.orchestrate(
            saga,
            {
                Close: lambda close: desk.close(close, queue),
                Refuse: lambda refuse: desk.change(refuse.case, CaseRefused(case=refuse.case)),
            },
            taken_by={"office": OFFICE},
        )
        await process.start()
        for work in (open_cases(desk), trim(process)):
            asyncio.ensure_future(work).add_done_callback(give_up_when_failed)
        yield process


def give_up_when_failed(work: "asyncio.Task[None]") -> None:
    """The test's own part must not fail in silence."""
    if not work.cancelled() and (error := work.exception()):
        print(repr(error))
        os._exit(3)


async def open_cases(desk: Desk) -> None:
    for number in range(CASES):
        with contextlib.suppress(AlreadyExists):  # another process of this context was faster
            await desk.process.change(partial(desk.open_case, f"case-{number}"))
        await asyncio.sleep(0.03)


async def trim(process: Process) -> None:
    retention = Retention(process.context, process.redis, process.writer, process.readers, 0.1, process.telemetry)
    while True:
        await asyncio.sleep(0.1)
        await retention.trim()


@asynccontextmanager
async def open_office(settings: Settings, directory: Path) -> AsyncIterator[Process]:
    async with open_process(OFFICE, settings) as process:
        process.create_tables(metadata)
        failed_once: set[str] = set()

        def note(case: str, what: str) -> None:
            process.database.run("INSERT INTO effects (case_id, what) VALUES (?, ?)", (case, what))

        def stamp(stamp: Stamp) -> None:
            note(stamp.case, "stamp")
            process.outbox.record(Stamped(case=stamp.case), key=stamp.case)

        def file(file: File) -> None:
            if is_refused(file.case):
                raise FileIsFull(file.case)
            note(file.case, "file")

        def take_note(happened: Any) -> None:
            note(happened.case, type(happened).__name__)
            if isinstance(happened, CaseOpened) and happened.case not in failed_once:
                failed_once.add(happened.case)
                raise ValueError("the first attempt fails")

        def see(happened: Any) -> None:
            row = (happened.case, type(happened).__name__)
            process.database.run("INSERT INTO seen (case_id, what) VALUES (?, ?)", row)

        process.subscribe(DESK, dict.fromkeys(DESK.events, take_note))
        process.project(DESK, dict.fromkeys(DESK.events, see), (seen,), purpose="seen")
        commands: dict[type, Callable[[Any], object]] = {
            Stamp: stamp,
            Unstamp: lambda undo: note(undo.case, "unstamp"),
            File: file,
            Unfile: lambda undo: note(undo.case, "unfile"),
        }
        process.take_commands("desk", commands)
        await process.start()
        asyncio.ensure_future(make_anew(process, directory / "anew")).add_done_callback(give_up_when_failed)
        yield process


async def make_anew(process: Process, done: Path) -> None:
    for _ in range(REPLAYS):
        await asyncio.sleep(0.2)
        await process.subscriptions["office.seen"].replay("desk", 1, with_effects=False)
    with done.open("a") as out:
        out.write(f"{os.getpid()}\n")


OPENED = {"desk": open_desk, "office": open_office}


def live(context: str, directory: str, redis_url: str, database_url: str, crash_at: str) -> None:
    """A child process' whole life."""
    log = os.open(f"{directory}/{context}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = open(1, "w", buffering=1, closefd=False)
    crash_points.arm(crash_at)
    settings = Settings(
        context=context,
        database_url=database_url,
        redis_url=redis_url,
        endpoints=directory,
        partitions=2,
        lease_seconds=1.0,
        retry_base_seconds=0.01,
        retry_cap_seconds=0.02,
    )
    asyncio.run(_live(context, settings, Path(directory)))


async def _live(context: str, settings: Settings, directory: Path) -> None:
    async with OPENED[context](settings, directory) as process:
        await process.run()
