"""Wake-ups that are rows: each goes off once, none is lost, whatever happens between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from mallbots_platform import timers as timers_module
from mallbots_platform.causes import Cause
from mallbots_platform.clock import now, now_us
from mallbots_platform.errors import AlreadyExists, Conflict, InvalidInput, NotFound, RuleViolated
from mallbots_platform.meanings import Meaning
from mallbots_platform.messages import Contract, command, event
from tests.support.parts import KINDS, Parts, empty_database
from tests.support.world import eventually

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@command
class Wake:
    who: str


@command
class Sleep:
    who: str


@event
class Woken:
    who: str


BEDROOM = Contract(context="bedroom", events=(Woken,))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def parts(database_url: str) -> Parts:
    return Parts(database_url, BEDROOM)


@asynccontextmanager
async def at_work(parts: Parts, on_wake: Callable[[Any], object] | None = None) -> AsyncIterator[list[str]]:
    """The timers run; who was woken."""
    woken: list[str] = []

    def wake(timer: Wake) -> None:
        if on_wake:
            on_wake(timer)
        parts.outbox.record(Woken(who=timer.who), key=timer.who)
        parts.writer.after_commit(lambda: woken.append(timer.who))

    parts.timers.handle({Wake: wake, Sleep: lambda timer: None})
    running = asyncio.create_task(parts.timers.run())
    try:
        yield woken
    finally:
        running.cancel()


async def set_timer(parts: Parts, who: str = "ann", due: datetime = PAST, cause: Cause | None = None) -> None:
    await parts.change(lambda: parts.timers.set(Wake(who=who), who, due), cause or Cause("call", "conversation"))


async def left(parts: Parts) -> list[str]:
    return [key for (key,) in await parts.rows("SELECT key FROM timers ORDER BY key")]


async def test_a_due_timer_goes_off_once(parts: Parts) -> None:
    async with at_work(parts) as woken:
        await set_timer(parts)
        await eventually(lambda: woken)

        await set_timer(parts, "ben")
        await eventually(lambda: len(woken) > 1)

    assert woken == ["ann", "ben"]
    assert await left(parts) == []


async def test_a_timer_waits_for_its_time(parts: Parts) -> None:
    async with at_work(parts) as woken:
        due = now() + timedelta(milliseconds=300)
        await set_timer(parts, "ann", FUTURE)
        await set_timer(parts, "ben", due)
        await eventually(lambda: woken)

    assert woken == ["ben"]
    assert now() >= due
    assert await left(parts) == ["ann"]


async def test_many_timers_go_off_in_the_order_in_which_they_are_due(parts: Parts) -> None:
    async with at_work(parts) as woken:
        names = [f"{number:03}" for number in range(120)]

        def set_all() -> None:
            for number, name in reversed(list(enumerate(names))):
                parts.timers.set(Wake(who=name), name, PAST + timedelta(seconds=number))

        await parts.change(set_all)
        await eventually(lambda: len(woken) == len(names), seconds=30)

    assert woken == names


async def test_timers_that_are_due_together_share_commits(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.due_again.LONGEST_PIECE_SECONDS", 3600)
    async with at_work(parts) as woken:
        names = [f"{number:03}" for number in range(100)]

        def set_all() -> None:
            for name in names:
                parts.timers.set(Wake(who=name), name, PAST)

        before = parts.measured("mallbots_commit_seconds_count")
        await parts.change(set_all)
        await eventually(lambda: len(woken) == len(names), seconds=30)

    assert parts.measured("mallbots_commit_seconds_count") - before <= len(["set", "noted", "gone off", "kept"])


async def test_setting_it_again_moves_it(parts: Parts) -> None:
    async with at_work(parts) as woken:
        await set_timer(parts, "ann", FUTURE)
        await set_timer(parts, "ann", PAST)
        await eventually(lambda: woken)

        def move_ben() -> None:
            parts.timers.set(Wake(who="ben"), "ben", PAST)
            parts.timers.set(Wake(who="ben"), "ben", FUTURE)

        await parts.change(move_ben)
        await set_timer(parts, "col")
        await eventually(lambda: "col" in woken)

    assert woken == ["ann", "col"]
    assert await left(parts) == ["ben"]


async def test_a_cancelled_timer_never_goes_off(parts: Parts) -> None:
    async with at_work(parts) as woken:

        def set_and_cancel() -> None:
            parts.timers.set(Wake(who="ann"), "ann", PAST)
            parts.timers.cancel(Wake, "ann")

        await parts.change(set_and_cancel)
        await set_timer(parts, "ben")
        await eventually(lambda: woken)

    assert woken == ["ben"]


async def test_types_and_keys_have_timers_of_their_own(parts: Parts) -> None:
    async with at_work(parts):
        await set_timer(parts, "ann", FUTURE)
        await set_timer(parts, "ben", FUTURE)
        await parts.change(lambda: parts.timers.set(Sleep(who="ann"), "ann", FUTURE))

        await parts.change(lambda: parts.timers.cancel(Wake, "ann"))

        rows = await parts.rows("SELECT type, key FROM timers ORDER BY type, key")
    assert rows == [("bedroom.Sleep", "ann"), ("bedroom.Wake", "ben")]


async def test_a_timer_of_a_change_that_failed_is_not_set(parts: Parts) -> None:
    async with at_work(parts) as woken:

        def set_and_fail() -> None:
            parts.timers.set(Wake(who="ann"), "ann", PAST)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await parts.change(set_and_fail)
        await set_timer(parts, "ben")
        await eventually(lambda: woken)

    assert woken == ["ben"]


async def test_timers_outlive_their_process(parts: Parts) -> None:
    async with at_work(parts):
        await set_timer(parts, "ann", FUTURE)
    await parts.change(lambda: parts.database.run("UPDATE timers SET due_at = 1"))

    async with Parts(parts.url, BEDROOM) as restarted, at_work(restarted) as woken:
        await eventually(lambda: woken)

    assert woken == ["ann"]


async def test_a_handler_may_set_its_timer_again(parts: Parts) -> None:
    again = iter([True, True, False])

    def on_wake(timer: Wake) -> None:
        if next(again):
            parts.timers.set(timer, timer.who, PAST)

    async with at_work(parts, on_wake) as woken:
        await set_timer(parts)
        await eventually(lambda: len(woken) == 3)

    assert await left(parts) == []


async def test_a_failing_timer_is_tried_again_later(parts: Parts) -> None:
    tries: list[int] = []

    def on_wake(timer: Wake) -> None:
        parts.outbox.record(Woken(who="half done"), key="x")
        tries.append(now_us())
        if len(tries) < 3:
            raise ZeroDivisionError("by zero\x00")

    async with at_work(parts, on_wake) as woken:
        await set_timer(parts)
        await eventually(lambda: woken, seconds=30)

    assert woken == ["ann"]
    assert len(tries) == 3
    assert len(await parts.published()) == 2
    assert parts.logged.getvalue().count("timer failed") == 2
    assert [span.status for span in parts.spans.named("timer bedroom.Wake")].count(StatusCode.ERROR) == 2


async def test_a_failing_timer_waits_longer_each_time(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[float] = []

    def no_pause(least: float, most: float) -> float:
        longest.append(most)
        return 0.0

    def on_wake(timer: Wake) -> None:
        if len(longest) < 10:
            raise ZeroDivisionError

    monkeypatch.setattr("random.uniform", no_pause)
    async with at_work(parts, on_wake) as woken:
        await set_timer(parts)
        await eventually(lambda: woken, seconds=30)

    assert longest == pytest.approx([0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30])


async def has_failed(parts: Parts) -> bool:
    return await parts.rows("SELECT key FROM timers WHERE key = 'ann' AND attempts + kept > 0") == [("ann",)]


REFUSALS = [RuleViolated("no"), NotFound("bed", "1"), AlreadyExists("bed", "1"), InvalidInput("who", "is odd")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_timer_is_over(parts: Parts, refusal: Exception) -> None:
    def on_wake(timer: Wake) -> None:
        if timer.who == "ann":
            parts.outbox.record(Woken(who="half done"), key="x")
            raise refusal

    async with at_work(parts, on_wake) as woken:
        await set_timer(parts, "ann")
        await set_timer(parts, "ben")
        await eventually(lambda: woken)

    assert woken == ["ben"]
    assert await left(parts) == []
    assert len(await parts.published()) == 1
    assert "timer refused" in parts.logged.getvalue()


async def test_a_conflict_is_tried_again_at_once(parts: Parts) -> None:
    tries: list[int] = []

    def on_wake(timer: Wake) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise Conflict("it has moved on")

    async with at_work(parts, on_wake) as woken:
        await set_timer(parts)
        await eventually(lambda: woken)

    assert len(tries) == 4
    assert "timer failed" not in parts.logged.getvalue()


@pytest.mark.parametrize(
    "change", ["SET type = 'bedroom.Dream'", "SET data = '{}'", "SET data = 'rubbish'"], ids=["type", "field", "JSON"]
)
async def test_a_timer_nobody_can_read_is_kept(parts: Parts, change: str) -> None:
    """A newer program has set it, or will be able to read it: it waits, and holds up no other."""
    async with at_work(parts) as woken:
        await set_timer(parts, "ann", FUTURE)
        await parts.change(lambda: parts.database.run(f"UPDATE timers {change}, due_at = 1"))
        await set_timer(parts, "ben")
        await eventually(lambda: woken)
        await eventually(lambda: has_failed(parts))

    assert woken == ["ben"]
    assert await left(parts) == ["ann"]


async def test_its_effect_belongs_to_the_conversation_that_set_it(parts: Parts) -> None:
    with parts.telemetry.tracer.span("click") as click:
        cause = Cause("call-1", "conversation", click.context)
    async with at_work(parts) as woken:
        await set_timer(parts, cause=cause)
        await eventually(lambda: woken)

    [span] = parts.spans.named("timer bedroom.Wake")
    [effect] = await parts.published()
    assert (effect.correlationid, effect.trace_id) == ("conversation", span.trace_id_hex)
    assert span.trace_id_hex != click.trace_id_hex
    assert [link.traceparent for link in span.links] == [click.context.traceparent]  # type: ignore[union-attr] # ours
    assert span.attributes["messaging.message.conversation_id"] == "conversation"
    requests = await parts.rows("SELECT method, correlation_id FROM requests WHERE id = ?", effect.causationid)
    assert requests == [("timer bedroom.Wake", "conversation")]


async def test_a_clock_that_jumps_ahead_loses_nothing(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers_module, "LONGEST_SLEEP", 0.05)
    async with at_work(parts) as woken:
        await set_timer(parts, "ann", now() + timedelta(hours=1))
        await set_timer(parts, "ben", now() + timedelta(hours=9))

        monkeypatch.setattr(timers_module, "now_us", lambda: now_us() + 2 * 3600 * 1_000_000)
        await eventually(lambda: woken)

    assert woken == ["ann"]
    assert await left(parts) == ["ben"]


async def test_a_clock_that_jumps_back_only_delays(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers_module, "LONGEST_SLEEP", 0.05)
    async with at_work(parts) as woken:
        monkeypatch.setattr(timers_module, "now_us", lambda: now_us() - 3600 * 1_000_000)
        await set_timer(parts, "ann", now())
        await set_timer(parts, "ben", PAST)
        await eventually(lambda: woken)
        assert woken == ["ben"]

        monkeypatch.setattr(timers_module, "now_us", now_us)
        await eventually(lambda: len(woken) == 2)

    assert woken == ["ben", "ann"]


async def test_two_processes_let_each_timer_go_off_once(parts: Parts) -> None:
    async with Parts(parts.url, BEDROOM) as other, at_work(parts) as woken, at_work(other) as woken_there:
        names = [f"{number:03}" for number in range(60)]
        for name in names:
            await set_timer(parts, name, now() + timedelta(seconds=0.3))
        await eventually(lambda: len(woken) + len(woken_there) >= len(names), seconds=30)

    assert sorted(woken + woken_there) == names
    assert sorted(e.subject for e in await parts.published()) == names


async def test_a_database_that_is_away_is_a_trouble_until_it_is_back(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(parts) as woken:
        monkeypatch.setattr(parts.database.dialect, "meaning", lambda *_, **__: Meaning.AWAY)
        with pytest.MonkeyPatch.context() as away:
            away.setattr(timers_module, "_DUE", "SELECT * FROM nowhere WHERE ? < ?")
            await set_timer(parts)
            await eventually(lambda: parts.timers.trouble)
            assert parts.timers.trouble.startswith("timers cannot fire: the database does not answer")

        await eventually(lambda: woken and not parts.timers.trouble)

    assert woken == ["ann"]
