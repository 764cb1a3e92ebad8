"""Everything that goes wrong, once each: whatever the registry has a name for happens here, or in a demo."""

import asyncio
import io
import json
import math
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform import group_reader, handling, healing, life, relay, subscriptions
from mallbots_platform.clock import shift
from mallbots_platform.crash_notes import LIMIT, in_order
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import Conflict, DatabaseAway, PlatformError
from mallbots_platform.faults import SLOW_HANDLER
from mallbots_platform.messages import Contract
from mallbots_platform.process import open_process
from mallbots_platform.process_faults import CUT_REDIS, POISON_EVENT
from mallbots_platform.retention import Retention
from telemetry.testing import OtlpReceiver, ReceivedSpan
from tests.support.demo_run import Samples
from tests.support.echo import SERVICE, Note
from tests.support.listener_troubles import a_group_listens_to_more, a_source_has_more_partitions
from tests.support.trouble_world import (
    FAILS_TWICE,
    LOSES,
    NEVER,
    PATIENCE,
    Case,
    Opened,
    Remind,
    Said,
    SendLetter,
    Troubles,
)
from tests.support.world import World, eventually, flush, redis_client

SHORT = (
    (life, "LEAVE_SECONDS", 0.1),
    (handling, "SLOW_US", 100_000),
    (healing, "PAUSE_SECONDS", 0.1),
    *((relay, name, 0.1) for name in ("POLL_SECONDS", "NOTE_SECONDS", "PAUSE_SECONDS")),
    (group_reader, "BLOCK_SECONDS", 0.1),
    (subscriptions, "PAUSE_SECONDS", 0.1),
)


@dataclass(slots=True)
class Evidence:
    """What was exported, measured (each sample at its highest) and logged; and what must not be: personal data."""

    spans: list[ReceivedSpan] = field(default_factory=list)
    measured: Samples = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)


async def everything_goes_wrong(directory: Path, redis: EmbeddedRedis) -> Evidence:
    evidence, out = Evidence(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, OtlpReceiver(at_first_too_busy()) as receiver:
        for module, name, value in SHORT:
            patch.setattr(module, name, value)
        patch.setattr(sys, "stdout", out)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "5")
        async with World(directory, redis) as world:
            await redis_is_not_there(world)
            await something_never_ends(world)
            await happen(Troubles(world, evidence.measured))
        evidence.spans = receiver.spans
    evidence.lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return evidence


def at_first_too_busy() -> Callable[[], int]:
    statuses = iter([503])
    return lambda: next(statuses, 200)


async def happen(troubles: Troubles) -> None:
    """One trouble after the other; each is over when the next message is heard."""
    await troubles.start_cases()
    await troubles.start_reader()
    for trouble in TROUBLES:
        await trouble(troubles)
        await troubles.look()
        await troubles.hears(f"after {trouble.__name__}")


async def redis_is_not_there(world: World) -> None:
    settings = replace(world.settings_of("lonely"), redis_url="redis://127.0.0.1:1")
    async with open_process(Contract(context="lonely"), settings) as process:
        await process.start()


async def something_never_ends(world: World) -> None:
    async with open_process(Contract(context="lasting"), world.settings_of("lasting")) as lasting:
        lasting.closing.append(partial(asyncio.sleep, 600))


async def calls_fail(troubles: Troubles) -> None:
    client = troubles.reader.process.client("cases", SERVICE)
    key = [("idempotency-key", "once")]
    await client.Look(Note(text="fine"))
    first = await client.Change(Note(text="fine"), metadata=key)
    assert await client.Change(Note(text="fine"), metadata=key) == first
    for call, text in ((client.Look, NEVER), (client.Wait, "")):
        with pytest.raises(PlatformError):
            await call(Note(text=text))


async def messages_fail(troubles: Troubles) -> None:
    await troubles.hears(FAILS_TWICE)
    await troubles.say(NEVER, key="dead")
    await eventually(lambda: troubles.reader.measured("mallbots_deliveries_total", outcome="dead") > 0, PATIENCE)


async def a_message_loses_its_connection(troubles: Troubles) -> None:
    await troubles.say(LOSES, key="loses")
    await eventually(lambda: troubles.reader.measured("mallbots_attempts_blamed_total") > 0, PATIENCE)


async def a_database_does_not_answer(troubles: Troubles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"postgresql://mall@127.0.0.1:{deaf.getsockname()[1]}/mall?connect_timeout=2"
        hanging = Database(url)
        hanging.on_hung = troubles.cases.process.database.on_hung
        with pytest.raises(DatabaseAway):
            await asyncio.to_thread(hanging.run, "SELECT 1")


async def a_message_takes_long(troubles: Troubles) -> None:
    faults = troubles.reader.process.faults
    await faults.switch_on(SLOW_HANDLER, 60, 0.2)
    await troubles.hears("slowly")
    await faults.switch_off(SLOW_HANDLER)


async def timers_fail(troubles: Troubles) -> None:
    process, done = troubles.cases.process, troubles.timers.done
    for text in (FAILS_TWICE, NEVER, "fine"):
        await process.change(partial(process.timers.set, Remind(text=text), text, process.now()))
    await eventually(lambda: {FAILS_TWICE, "fine"} <= {*done}, PATIENCE)


async def a_timer_is_of_a_later_program(troubles: Troubles) -> None:
    process = troubles.cases.process

    def set_by_a_later_one() -> None:
        process.timers.set(Remind(text="later"), "later", process.now())
        process.database.run("UPDATE timers SET data_version = 9 WHERE key = 'later'")

    await process.change(set_by_a_later_one)
    kept = "SELECT 1 FROM timers WHERE key = 'later' AND kept = 1"
    await eventually(lambda: process.read(lambda: process.database.run(kept)), PATIENCE)
    await process.change(lambda: process.timers.cancel(Remind, "later"))


async def a_timer_has_killed(troubles: Troubles) -> None:
    """So often that it is not tried any more."""
    process = troubles.cases.process

    def set_by_many_lives() -> None:
        process.timers.set(Remind(text="deadly"), "deadly", process.now())
        [(id, due_at)] = process.database.run("SELECT id, due_at FROM timers WHERE key = 'deadly'")
        for lane, item in (("timers together", in_order(due_at)), ("timers alone", id)):
            process.database.run("INSERT INTO crash_notes VALUES (?, ?, 'an earlier life', ?)", (lane, item, LIMIT))

    await process.change(set_by_many_lives)
    aside = "SELECT 1 FROM parked WHERE group_name = 'cases.timers'"
    await eventually(lambda: process.read(lambda: process.database.run(aside)), PATIENCE)


async def a_process_has_no_timer(troubles: Troubles) -> None:
    """As one whose timer an earlier program has lost; its undo is refused as well."""
    columns = "saga, id, state, step, awaiting, started_at, changed_at, steps, refusal"
    row = "'case', 'case:3', 'compensating', 'ask', '', 0, 0, '', 'No: never'"
    process = troubles.cases.process
    await process.change(lambda: process.database.run(f"INSERT INTO sagas ({columns}) VALUES ({row})"))
    await troubles.look()
    await troubles.cases.crash()
    await troubles.start_cases()
    after = troubles.cases.process
    await after.change(lambda: after.database.run("DELETE FROM sagas WHERE id = 'case:3'"))


async def too_much_is_asked(troubles: Troubles) -> None:
    process, client = troubles.cases.process, troubles.reader.process.client("cases", SERVICE)
    await process.change(partial(time.sleep, 0.2))
    waiting = [asyncio.ensure_future(process.change(partial(time.sleep, 0.2))) for _ in range(5)]
    with pytest.raises(PlatformError):
        await client.Change(Note(text="in vain"), timeout=0.1)
    waiting.pop().cancel()
    await asyncio.gather(*waiting)


async def jobs_fail(troubles: Troubles) -> None:
    await troubles.cases.process.change(lambda: troubles.letters.put(SendLetter(text=FAILS_TWICE)))
    await eventually(lambda: troubles.jobs.done == [FAILS_TWICE], PATIENCE)


async def nobody_answers(troubles: Troubles) -> None:
    process = troubles.cases.process
    await process.change(lambda: process.outbox.record(Opened(case="1"), key="1"))
    await eventually(lambda: troubles.cases.measured("mallbots_saga_timeouts_total") > 0, PATIENCE)


async def changes_collide(troubles: Troubles) -> None:
    cases = troubles.repository

    def open_case() -> None:
        case = Case(id="7")
        case.record(Said(text="open"))
        cases.add(case)

    def save_both() -> None:
        for case in (cases.get("7"), cases.get("7")):
            case.record(Said(text="changed"))
            cases.save(case)

    await troubles.cases.process.change(open_case)
    with pytest.raises(Conflict):
        await troubles.cases.process.change(save_both)


async def an_entry_is_lost(troubles: Troubles) -> None:
    """Deleted from the stream while the reader is away: only the log of the source has it."""
    await troubles.reader.stop()
    await troubles.say("before", "lost", "after")
    await eventually(lambda: troubles.cases.process.relay.behind == 0, PATIENCE)
    async with redis_client(troubles.world.redis) as client:
        entries = await client.xrange(troubles.stream.key)
        await client.xdel(troubles.stream.key, entries[-2][0])
    await troubles.start_reader()
    await eventually(lambda: "after" in troubles.heard.done, PATIENCE)
    assert troubles.heard.done[-3:] == ["before", "lost", "after"]


async def a_database_goes_back(troubles: Troubles) -> None:
    """To a copy of it, taken before something was said; then that is settled."""
    database, copy = troubles.world.directory / "cases.db", troubles.world.directory / "copy of cases.db"
    await troubles.cases.stop()
    shutil.copy(database, copy)
    await troubles.start_cases()
    await troubles.hears("to be lost")
    await troubles.cases.stop()
    for path in troubles.world.directory.glob("cases.db*"):
        path.unlink()
    copy.rename(database)
    await troubles.start_cases()
    await eventually(lambda: troubles.reader.measured("mallbots_stream_parted") > 0, PATIENCE)
    await eventually(lambda: troubles.cases.process.relay.aside.messages > 0, PATIENCE)
    await troubles.look()
    await troubles.reader.process.subscriptions["reader"].go_on("cases")
    await troubles.cases.process.relay.aside.give_up()
    await troubles.hears("after it was settled")


async def redis_forgets_everything(troubles: Troubles) -> None:
    await flush(troubles.world.redis)
    await eventually(lambda: troubles.cases.measured("mallbots_outbox_republished_total") > 0, PATIENCE)


async def somebody_else_writes(troubles: Troubles) -> None:
    faults = troubles.cases.process.faults
    await faults.switch_on(POISON_EVENT, 5, troubles.cases.process.settings.partitions)
    await troubles.look()
    await faults.switch_off(POISON_EVENT)


async def a_stream_is_no_stream(troubles: Troubles) -> None:
    """Which shows when something is sent; a look at where it ends would have shown it, too."""
    troubles.cases.process.relay._compared_at = math.inf
    async with redis_client(troubles.world.redis) as client:
        await client.set(troubles.stream.key, "something else")
        await troubles.say("meanwhile")
        await eventually(lambda: troubles.cases.process.relay.trouble, PATIENCE)
        await client.delete(troubles.stream.key)


async def an_acknowledgement_is_lost(troubles: Troubles) -> None:
    """As if the process had died between the append and the note of it."""
    process = troubles.cases.process
    await process.change(lambda: process.database.run("UPDATE outbox_heads SET published_seq = 0"))
    await troubles.cases.crash()
    await troubles.start_cases()
    await eventually(lambda: troubles.cases.measured("mallbots_outbox_duplicates_refused_total") > 0, PATIENCE)


async def redis_is_cut_off(troubles: Troubles) -> None:
    for running in (troubles.cases, troubles.reader):
        await running.process.faults.switch_on(CUT_REDIS, 60)
    await troubles.say("meanwhile")
    await troubles.cases.process.faults.switch_on(POISON_EVENT, 5)
    await eventually(lambda: troubles.cases.process.troubles and troubles.reader.process.troubles, PATIENCE)
    for running in (troubles.cases, troubles.reader):
        await running.process.faults.switch_off(CUT_REDIS)


async def the_clock_is_wrong(troubles: Troubles) -> None:
    shift(-3600)
    try:
        await troubles.hears("an hour ago")
    finally:
        shift(0)
    await eventually(lambda: troubles.reader.measured("mallbots_clock_skew_total") > 0, PATIENCE)


async def redis_changes_hands(troubles: Troubles) -> None:
    installation = troubles.cases.process.installation
    async with redis_client(troubles.world.redis) as client:
        await client.set(installation.copy, "another")
        await eventually(lambda: installation.foreign, PATIENCE)
        await client.set(installation.copy, installation.id)
    await eventually(lambda: not installation.foreign, PATIENCE)


async def somebody_takes_over(troubles: Troubles) -> None:
    process = troubles.reader.process
    await process.change(lambda: process.database.run("UPDATE fences SET generation = generation + 1"))
    await troubles.say("to an owner that is none any more")
    await eventually(lambda: troubles.reader.measured("mallbots_fenced_commits_total") > 0, PATIENCE)


async def what_is_old_goes(troubles: Troubles) -> None:
    process = troubles.cases.process
    retention = Retention(process.context, process.redis, process.writer, process.readers, 0.0, process.telemetry)
    await eventually(retention.trim, PATIENCE)


TROUBLES = (
    *(calls_fail, messages_fail, a_message_loses_its_connection, a_database_does_not_answer, a_message_takes_long),
    *(
        timers_fail,
        a_timer_is_of_a_later_program,
        a_timer_has_killed,
        jobs_fail,
        nobody_answers,
        a_process_has_no_timer,
        changes_collide,
    ),
    *(a_source_has_more_partitions, a_group_listens_to_more, too_much_is_asked),
    *(
        an_entry_is_lost,
        a_database_goes_back,
        redis_forgets_everything,
        somebody_else_writes,
        a_stream_is_no_stream,
        an_acknowledgement_is_lost,
    ),
    *(redis_is_cut_off, redis_changes_hands, the_clock_is_wrong, somebody_takes_over, what_is_old_goes),
)
