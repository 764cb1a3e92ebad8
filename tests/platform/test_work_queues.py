"""Jobs: each done once by whichever worker is free, whoever dies, whatever Redis forgets."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import msgspec
import pytest
from opentelemetry.trace import StatusCode

from mallbots_platform.errors import AlreadyExists, InvalidInput, NotFound, RuleViolated, Unavailable
from mallbots_platform.streams import sequence_of
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from tests.support.parts import KINDS, empty_postgres
from tests.support.posts import (
    GROUP,
    Delivered,
    Letter,
    Parcel,
    Post,
    entries_left,
    open_post,
    stream_of,
    take_as_a_dead_worker,
)
from tests.support.world import World, eventually, flush, redis_client

NAMES = [f"name-{number:02}" for number in range(30)]


@pytest.fixture
def two_places(world: World, postgres_url: str) -> World:
    """Where two processes of the context can work at the same time."""
    world.databases["post"] = empty_postgres(postgres_url)
    return world


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, world: World) -> World:
    if request.param == "postgresql":
        world.databases["post"] = empty_postgres(request.getfixturevalue("postgres_url"))
    return world


async def all_is_done(post: Post, *names: str, seconds: float = 30.0) -> bool:
    return bool(await eventually(lambda: post.are_done(*names), seconds))


async def nothing_is_left(world: World) -> bool:
    return await entries_left(world) == 0


# Done once


async def test_each_job_is_done_once_and_then_gone(either: World) -> None:
    post = await open_post(either)

    await post.put(*NAMES)

    assert await all_is_done(post, *NAMES)
    assert sorted(post.delivered) == NAMES
    assert await eventually(lambda: nothing_is_left(either))
    assert post.counted("applied") == len(NAMES)
    assert await post.parked() == []


async def test_two_processes_share_the_work(two_places: World) -> None:
    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.01)

    here, there = await open_post(two_places, take_a_while), await open_post(two_places, take_a_while)

    await here.put(*NAMES)

    assert await all_is_done(here, *NAMES)
    assert sorted(here.delivered + there.delivered) == NAMES
    assert here.delivered and there.delivered


async def test_no_more_jobs_run_at_once_than_there_are_workers(world: World) -> None:
    running, most = 0, 0

    async def count(letter: Letter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    post = await open_post(world, count, workers=3)
    await post.put(*NAMES)

    assert await all_is_done(post, *NAMES)
    assert most == 3


async def test_a_slow_job_does_not_hold_up_the_others(world: World) -> None:
    go_on = asyncio.Event()

    async def wait_for_the_first(letter: Letter) -> None:
        if letter.to == NAMES[0]:
            await go_on.wait()

    post = await open_post(world, wait_for_the_first)
    await post.put(*NAMES)

    assert await all_is_done(post, *NAMES[1:])
    go_on.set()
    assert await all_is_done(post, *NAMES)


async def test_a_job_of_a_change_that_failed_is_not_put(world: World) -> None:
    post = await open_post(world)

    def put_and_fail() -> None:
        post.queue.put(Letter(to="ann"), "ann")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await post.process.change(put_and_fail)
    await post.put("ben")

    assert await all_is_done(post, "ben")
    assert post.delivered == ["ben"]


# What a job changes


async def test_what_a_job_returns_is_changed_with_it(either: World) -> None:
    async def deliver(letter: Letter) -> object:
        return lambda: posts[0].process.outbox.record(Delivered(to=letter.to), key=letter.to)

    posts = [await open_post(either, deliver)]
    [post] = posts
    await post.put("ann")

    assert await all_is_done(post, "ann")
    statement = "SELECT id, correlation_id, causation_id FROM outbox WHERE channel = ?"
    [(job, correlation, _)] = await post.running.rows(statement, "jobs.letters")
    [(_, *told)] = await post.running.rows(statement, "events")
    assert told == [correlation, job]


async def test_a_change_that_is_refused_fails_its_job(world: World) -> None:
    async def deliver(letter: Letter) -> object:
        def refuse() -> None:
            post.process.outbox.record(Delivered(to=letter.to), key=letter.to)
            raise RuleViolated("it was delivered yesterday")

        return refuse

    post = await open_post(world, deliver)
    await post.put("ann")

    assert await eventually(post.parked) == [("ann", "dead", 1)]
    assert await post.running.rows("SELECT 1 FROM outbox WHERE channel = 'events'") == []


# Failures


async def test_a_failing_job_is_tried_again_until_it_succeeds(either: World) -> None:
    failures = iter(["no stamps", "rain\x00", "\ud800", ""])

    async def fail_at_first(letter: Letter) -> None:
        for reason in failures:
            raise ConnectionError(reason)

    post = await open_post(either, fail_at_first)
    await post.put("ann", "ben")

    assert await all_is_done(post, "ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert await post.parked() == []
    assert post.counted("applied") == 2
    assert post.counted("parked") + post.counted("retried") == 4
    assert post.running.measured("mallbots_retries_total", group=GROUP) == 4


async def test_a_job_that_always_fails_is_dead_in_the_end(world: World) -> None:
    tries: list[str] = []

    async def fail(letter: Letter) -> None:
        tries.append(letter.to)
        raise ConnectionError("no stamps")

    post = await open_post(world, fail, retry_attempts=3)
    await post.put("ann")

    assert await eventually(lambda: is_parked(post, "dead", 3))
    assert tries == ["ann"] * 3
    assert await post.outcomes() == {"ann": "dead"}
    [(error, attempts)] = await post.running.rows("SELECT error, attempts FROM deliveries")
    assert (error, attempts) == ("no stamps", 3)
    assert (post.counted("parked"), post.counted("retried"), post.counted("dead")) == (1, 1, 1)


async def is_parked(post: Post, state: str, attempts: int) -> bool:
    return [parked[1:] for parked in await post.parked()] == [(state, attempts)]


@pytest.mark.parametrize("error", [RuleViolated("she has moved"), InvalidInput("to", "is nobody")])
async def test_a_refused_job_is_dead_at_once(world: World, error: Exception) -> None:
    async def refuse(letter: Letter) -> None:
        if letter.to == "ann":
            raise error

    post = await open_post(world, refuse)
    await post.put("ann", "ben")

    assert await all_is_done(post, "ben")
    assert await eventually(post.parked) == [("ann", "dead", 1)]
    assert post.counted("dead") == 1


async def test_a_job_that_was_done_already_is_done(world: World) -> None:
    async def repeat(letter: Letter) -> None:
        raise AlreadyExists("letter", letter.to)

    post = await open_post(world, repeat)
    await post.put("ann")

    assert await all_is_done(post, "ann")
    assert await post.parked() == []


async def test_what_is_not_there_yet_is_tried_again(world: World) -> None:
    tries: list[int] = []

    async def deliver(letter: Letter) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise NotFound("address", letter.to)

    post = await open_post(world, deliver)
    await post.put("ann")

    assert await all_is_done(post, "ann")
    assert len(tries) == 3


async def test_a_job_that_takes_too_long_has_failed(world: World) -> None:
    tries: list[int] = []

    async def hang_at_first(letter: Letter) -> None:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(3600)

    post = await open_post(world, hang_at_first, claim_seconds=0.5)
    await post.put("ann")

    assert await eventually(lambda: is_parked(post, "waiting", 1) if len(tries) == 1 else True)
    assert await all_is_done(post, "ann")
    assert len(tries) == 2


async def test_a_job_nobody_can_do_is_dead_with_the_reason(world: World) -> None:
    post = await open_post(world)

    await post.put("ann", job=Parcel)
    await post.put("ben")

    assert await all_is_done(post, "ben")
    assert await eventually(post.parked) == [("ann", "dead", 1)]
    [(error,)] = await post.running.rows("SELECT error FROM parked")
    assert error == "type: post.letters does no post.Parcel"


# Operators


async def test_an_operator_retries_a_dead_job(world: World) -> None:
    is_open: list[bool] = []

    async def deliver(letter: Letter) -> None:
        if not is_open:
            raise RuleViolated("the office is closed")

    post = await open_post(world, deliver)
    await post.put("ann")
    await eventually(post.parked)

    is_open.append(True)
    assert await post.process.change(post.queue.lot.retry_dead) == 1
    post.queue.retry_soon()

    assert await all_is_done(post, "ann")
    assert await post.parked() == []


async def test_a_discarded_job_never_comes_back(world: World) -> None:
    async def refuse(letter: Letter) -> None:
        if letter.to == "ann":
            raise RuleViolated("she has moved")

    post = await open_post(world, refuse)
    await post.put("ann")
    await eventually(post.parked)
    [(id,)] = await post.running.rows("SELECT id FROM parked")

    await post.process.change(lambda: post.queue.discard(id))
    await flush(world.redis)
    await post.put("ben")

    assert await all_is_done(post, "ben")
    assert await eventually(lambda: nothing_is_left(world))
    assert (await post.outcomes())["ann"] == "discarded"
    assert await post.parked() == []


# Deaths


async def test_what_a_dead_worker_held_is_claimed(world: World) -> None:
    held = await hold_jobs_as_a_dead_worker(world, "ann", "ben")

    post = await open_post(world, claim_seconds=0.3)

    assert held == 2
    assert await all_is_done(post, "ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert await eventually(lambda: nothing_is_left(world))


async def hold_jobs_as_a_dead_worker(world: World, *names: str) -> int:
    """They are put by a process without workers of its own, and read by somebody who dies."""
    post = await open_post(world, workers=0)
    await post.put(*names)
    await eventually(lambda: post.process.relay.behind == 0)
    held = await take_as_a_dead_worker(world)
    await post.running.stop()
    return held


async def test_a_living_worker_keeps_its_jobs(two_places: World) -> None:
    """Each takes longer than a dead worker would be waited for, counted from when they were handed out."""

    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.25)

    here = await open_post(two_places, take_a_while, workers=1, claim_seconds=0.8)
    there = await open_post(two_places, take_a_while, workers=1, claim_seconds=0.8)
    names = NAMES[:16]

    await here.put(*names)

    assert await all_is_done(here, *names, seconds=60)
    assert Counter(here.delivered + there.delivered) == dict.fromkeys(names, 1)


async def test_a_job_whose_acknowledgement_was_lost_is_not_done_again(world: World) -> None:
    post = await open_post(world)
    await post.put("ann")
    assert await all_is_done(post, "ann")
    await eventually(lambda: nothing_is_left(world))

    async with redis_client(world.redis) as client:
        [(raw,)] = await post.running.rows("SELECT envelope FROM outbox WHERE channel = 'jobs.letters'")
        await client.delete(stream_of("ann").key)
        await client.xadd(stream_of("ann").key, {"e": raw}, id="1-0")

    assert await eventually(lambda: post.counted("duplicate") == 1)
    assert await eventually(lambda: nothing_is_left(world))
    assert post.delivered == ["ann"]


async def test_a_job_that_kills_its_workers_is_buried(world: World) -> None:
    await hold_jobs_as_a_dead_worker(world, "ann")
    async with redis_client(world.redis) as client:
        await client.xclaim(stream_of("ann").key, GROUP, "dead", 0, ["1-0"], retrycount=10)

    post = await open_post(world, claim_seconds=0.3)

    assert await eventually(post.parked) == [("ann", "dead", 1)]
    [(error,)] = await post.running.rows("SELECT error FROM parked")
    assert error == "10 processes died of it"
    assert post.delivered == []


async def test_a_parked_job_that_kills_its_process_is_buried(world: World) -> None:
    await hold_jobs_as_a_dead_worker(world, "ann")
    post = await open_post(world, workers=0)
    await park(post, "ann", attempts=10)
    await post.running.stop()

    post = await open_post(world)

    assert await eventually(lambda: is_parked(post, "dead", 11))
    assert post.delivered == []


async def park(post: Post, name: str, attempts: int) -> None:
    """As a process leaves it that died in the middle of an attempt."""
    [(seq, raw)] = await post.running.rows("SELECT seq, envelope FROM outbox WHERE key = ?", name)
    envelope = msgspec.json.decode(raw)
    row = (GROUP, "post", "jobs.letters", envelope["partition"], seq, envelope["id"], envelope["type"], name)
    await post.process.change(
        lambda: post.process.database.run(
            "INSERT INTO parked (group_name, source, channel, partition, seq, message_id, type, key, state, attempts,"
            " due_at, parked_at, published_at, error, envelope)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, 1, 1, 1, '', ?)",
            (*row, attempts, raw),
        )
    )


async def test_two_processes_retry_a_parked_job_once(two_places: World) -> None:
    await hold_jobs_as_a_dead_worker(two_places, *NAMES[:10])
    idle = await open_post(two_places, workers=0)
    for name in NAMES[:10]:
        await park(idle, name, attempts=1)
    await idle.running.stop()

    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.05)

    here, there = await asyncio.gather(open_post(two_places, take_a_while), open_post(two_places, take_a_while))

    assert await all_is_done(here, *NAMES[:10])
    assert sorted(here.delivered + there.delivered) == NAMES[:10]


async def test_leaving_finishes_what_is_in_hand(world: World) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(letter: Letter) -> None:
        begun.set()
        await go_on.wait()

    post = await open_post(world, wait)
    await post.put("ann")
    await begun.wait()

    leaving = asyncio.create_task(post.running.stop())
    asyncio.get_running_loop().call_later(0.3, go_on.set)
    await asyncio.wait_for(leaving, 20)

    assert post.delivered == ["ann"]
    assert await nothing_is_left(world)
    async with redis_client(world.redis) as client:
        assert await client.xinfo_consumers(stream_of("ann").key, GROUP) == []


async def test_leaving_gives_up_what_takes_long(world: World) -> None:
    begun = asyncio.Event()

    async def hang(letter: Letter) -> None:
        begun.set()
        await asyncio.sleep(3600)

    post = await open_post(world, hang)
    await post.put("ann")
    await begun.wait()
    await asyncio.wait_for(post.running.stop(), 30)

    post = await open_post(world, claim_seconds=0.3)
    assert await all_is_done(post, "ann")
    assert await eventually(lambda: nothing_is_left(world))


# What Redis forgets, and what others write into it


async def test_a_flushed_redis_loses_and_doubles_nothing(either: World) -> None:
    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.005)

    post = await open_post(either, take_a_while, claim_seconds=2.0)

    for start in range(0, 30, 10):
        await post.put(*NAMES[start : start + 10])
        await eventually(partial(has_delivered, post, start + 1))
        await flush(either.redis)

    assert await all_is_done(post, *NAMES)
    assert Counter(post.delivered) == dict.fromkeys(NAMES, 1)
    assert await eventually(lambda: nothing_is_left(either))
    assert await eventually(lambda: not post.process.troubles)


def has_delivered(post: Post, count: int) -> bool:
    return len(post.delivered) >= count


async def test_a_job_that_is_lost_from_its_stream_is_done_all_the_same(world: World) -> None:
    idle = await open_post(world, workers=0)
    await idle.put("ann", "ben")
    await eventually(lambda: idle.process.relay.behind == 0)
    await idle.running.stop()
    async with redis_client(world.redis) as client:
        for name in ("ann", "ben"):
            await client.xtrim(stream_of(name).key, maxlen=0, approximate=False)

    post = await open_post(world, claim_seconds=0.5)

    assert await all_is_done(post, "ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert post.running.measured("mallbots_stream_gaps_healed_total", group=GROUP) == 2


async def test_a_job_that_waits_is_no_stray(world: World) -> None:
    go_on = asyncio.Event()

    async def wait(letter: Letter) -> None:
        await go_on.wait()

    post = await open_post(world, wait, workers=1, claim_seconds=30.0)
    await post.put("ann", "ben", "col")
    await eventually(lambda: post.process.relay.behind == 0)
    for name in ("ann", "ben", "col"):
        await post.queue._look_for_strays(stream_of(name))

    assert await post.parked() == []
    go_on.set()
    assert await all_is_done(post, "ann", "ben", "col")


POISON = [{"e": b"\xff\x00 no envelope"}, {"x": b""}, {"e": b'{"specversion":"1.0"}', "t": b"never"}]


@pytest.mark.parametrize("fields", POISON)
async def test_bytes_that_are_no_job_are_buried(world: World, fields: dict[str, bytes]) -> None:
    post = await open_post(world, claim_seconds=1.0)
    await post.put("ann")
    assert await all_is_done(post, "ann")

    async with redis_client(world.redis) as client:
        entry_id = await client.xadd(stream_of("ann").key, fields)
    assert await eventually(post.parked) == [("", "dead", 1)]
    await post.put("ann too", "ann", "ben")

    assert await all_is_done(post, "ann", "ben")
    assert await eventually(lambda: "ann too" in post.delivered)
    [(seq, error)] = await post.running.rows("SELECT seq, error FROM parked")
    assert seq == sequence_of(entry_id)
    assert error == f"sequence: no job has the number {seq}"
    assert post.counted("dead") == 1


async def test_an_operator_may_retry_and_discard_what_is_no_job(world: World) -> None:
    post = await open_post(world)
    await post.put("ann")
    assert await all_is_done(post, "ann")
    async with redis_client(world.redis) as client:
        await client.xadd(stream_of("ann").key, {"e": b"\xff"})
    await eventually(post.parked)

    await post.process.change(post.queue.lot.retry_dead)
    post.queue.retry_soon()
    assert await eventually(lambda: is_dead_because(post, "envelope: "))
    [(id,)] = await post.running.rows("SELECT id FROM parked")
    await post.process.change(lambda: post.queue.discard(id))

    assert await post.parked() == []
    assert await post.outcomes() == {"ann": "applied"}


async def is_dead_because(post: Post, reason: str) -> bool:
    [(state, error)] = await post.running.rows("SELECT state, error FROM parked")
    return state == "dead" and str(error).startswith(reason)


async def test_a_forged_entry_does_not_replace_the_job(world: World) -> None:
    """Somebody writes under the number that the next job is going to have."""
    post = await open_post(world, claim_seconds=1.0)
    await post.put("ann")
    assert await all_is_done(post, "ann")
    forged = Letter(to="mallory")
    async with redis_client(world.redis) as client:
        await client.xadd(stream_of("ann").key, {"e": msgspec.json.encode(forged)}, id="2-0")

    await post.put("ann")

    assert await eventually(lambda: post.delivered == ["ann", "ann"], seconds=20)
    assert await eventually(lambda: nothing_is_left(world))


async def test_a_job_overwritten_in_its_stream_is_read_from_the_log(world: World) -> None:
    idle = await open_post(world, workers=0)
    await idle.put("ann")
    await eventually(lambda: idle.process.relay.behind == 0)
    await idle.running.stop()
    async with redis_client(world.redis) as client:
        await client.delete(stream_of("ann").key)
        await client.xadd(stream_of("ann").key, {"e": b"\xff"}, id="1-0")

    post = await open_post(world)

    assert await all_is_done(post, "ann")
    assert (post.delivered, await post.parked()) == (["ann"], [])
    assert post.running.measured("mallbots_stream_gaps_detected_total", group=GROUP) == 1


async def test_a_job_whose_log_was_pruned_is_read_from_its_stream(world: World) -> None:
    idle = await open_post(world, workers=0)
    await idle.put("ann")
    await eventually(lambda: idle.process.relay.behind == 0)

    def prune() -> None:
        idle.process.database.run("DELETE FROM outbox")
        idle.process.database.run("UPDATE outbox_heads SET pruned_seq = last_seq")

    await idle.process.change(prune)
    await idle.running.stop()

    post = await open_post(world)

    assert await all_is_done(post, "ann")


async def test_redis_that_is_away_is_waited_for(world: World) -> None:
    post = await open_post(world)
    pid = world.redis.pid
    await post.put("ann")
    assert await all_is_done(post, "ann")

    async with redis_client(world.redis) as client:
        await client.client_kill_filter(_type="normal", skipme=True)
    await post.put("ben")

    assert await all_is_done(post, "ben")
    assert world.redis.pid == pid
    assert await eventually(lambda: not post.process.troubles)


async def test_a_database_that_is_away_burns_no_attempt(two_places: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(letter: Letter) -> None:
        begun.set()
        await go_on.wait()

    post = await open_post(two_places, wait, claim_seconds=30.0)
    await post.put("ann")
    await begun.wait()
    writer, is_away = post.process.writer, [True]
    run = writer.run

    async def run_unless_away(*arguments: Any) -> Any:
        if is_away:
            raise Unavailable("the database is away")
        return await run(*arguments)

    monkeypatch.setattr(writer, "run", run_unless_away)
    go_on.set()
    assert await eventually(lambda: "waits for its database" in post.queue.trouble)
    is_away.clear()

    assert await all_is_done(post, "ann")
    assert post.delivered == ["ann"]
    assert [attempts for (attempts,) in await post.running.rows("SELECT attempts FROM deliveries")] == [1]
    assert await eventually(lambda: not post.queue.trouble)


# What is seen of it


async def test_a_job_is_in_the_trace_of_its_cause(world: World) -> None:
    spans, fail = CapturedSpans(), iter([True, False])

    async def fail_once(letter: Letter) -> None:
        if next(fail):
            raise ConnectionError("no stamps")

    post = await open_post(world, fail_once)
    capture(post, spans)
    await post.put("ann")
    assert await all_is_done(post, "ann")
    await eventually(lambda: len(spans.named("process post.Letter")) == 2)

    [created] = spans.named("create post.Letter")
    first, second = spans.named("process post.Letter")
    [received] = spans.named("receive post.jobs.letters")
    assert [link.traceparent for link in received.links] == [created.context.traceparent]  # type: ignore[union-attr] # ours
    assert [link.traceparent for link in first.links] == [received.context.traceparent]  # type: ignore[union-attr] # ours
    for number, (span, outcome) in enumerate(((first, "parked"), (second, "applied")), 1):
        assert (span.trace_id_hex, span.origin.parent_id) == (created.trace_id_hex, created.span_id_hex)
        assert (span.attributes["mallbots.attempt"], span.attributes["mallbots.outcome"]) == (number, outcome)
        assert span.attributes["messaging.consumer.group.name"] == GROUP
        assert span.attributes["messaging.destination.name"] == "post.jobs.letters"
        assert span.attributes["mallbots.outbox_seconds"] >= 0
    assert (first.status, second.status) == (StatusCode.ERROR, StatusCode.UNSET)


def capture(post: Post, spans: CapturedSpans) -> None:
    """Let what is traced from now on be kept."""
    tracer = post.process.telemetry.tracer
    tracer._recording = Tracer(spans)._recording


async def test_a_delivery_says_how_long_each_hop_took(either: World) -> None:
    post = await open_post(either)

    await post.put("ann")
    assert await all_is_done(post, "ann")

    columns = "message_id, type, source, channel, seq, attempts, outbox_us, stream_us, handler_us, critical_us, error"
    [row] = await post.running.rows(f"SELECT {columns} FROM deliveries")
    [(message_id,)] = await post.running.rows("SELECT id FROM outbox")
    assert row[:6] == (message_id, "post.Letter", "post", "jobs.letters", 1, 1)
    assert row[9] >= row[8] >= 0 and row[6] >= 0 and row[7] >= 0 and row[10] == ""
    labels = {"type": "post.Letter", "group": GROUP}
    for metric in ("critical", "outbox", "stream", "handler"):
        assert post.running.measured(f"mallbots_event_{metric}_seconds_count", **labels) == 1
    assert post.running.measured("messaging_process_duration_seconds_count", outcome="applied", **labels) == 1


async def test_consumers_of_long_ago_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.job_streams.FORGET_AFTER_MILLISECONDS", -1)
    await hold_jobs_as_a_dead_worker(world, "ann")
    async with redis_client(world.redis) as client:
        await client.xgroup_createconsumer(stream_of("ann").key, GROUP, "left-over")

        await open_post(world, workers=0, claim_seconds=3600)

        async def names() -> set[bytes]:
            return {each["name"] for each in await client.xinfo_consumers(stream_of("ann").key, GROUP)}

        assert await eventually(lambda: is_true(names, lambda found: b"left-over" not in found))
        assert b"dead" in await names()


async def is_true(ask: Any, condition: Any) -> bool:
    return bool(condition(await ask()))
