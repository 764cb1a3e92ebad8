"""Attempts at a job: what they change, how they fail, what is seen of them."""

import asyncio
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from mallbots_platform.errors import AlreadyExists, InvalidInput, NotFound, RuleViolated, Unavailable
from telemetry.testing import CapturedSpans
from telemetry.tracing import Tracer
from tests.support.parts import KINDS, empty_postgres
from tests.support.posts import (
    GROUP,
    Delivered,
    Letter,
    Parcel,
    Post,
    open_post,
)
from tests.support.world import World, eventually


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


async def test_what_a_job_returns_is_changed_with_it(either: World) -> None:
    async def deliver(letter: Letter) -> object:
        return lambda: posts[0].process.outbox.record(Delivered(to=letter.to), key=letter.to)

    posts = [await open_post(either, deliver)]
    [post] = posts
    await post.put("ann")

    assert await post.does("ann")
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


async def test_a_failing_job_is_tried_again_until_it_succeeds(either: World) -> None:
    failures = iter(["no stamps", "rain\x00", "\ud800", ""])

    async def fail_at_first(letter: Letter) -> None:
        for reason in failures:
            raise ConnectionError(reason)

    post = await open_post(either, fail_at_first)
    await post.put("ann", "ben")

    assert await post.does("ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert await post.parked() == []
    assert await post.counts(2, "applied")
    assert await post.running.counts(4 + 2, "mallbots_deliveries_total", group=GROUP)
    assert await post.running.counts(4, "mallbots_retries_total", group=GROUP)


async def test_a_job_that_always_fails_is_dead_in_the_end(world: World) -> None:
    tries: list[str] = []

    async def fail(letter: Letter) -> None:
        tries.append(letter.to)
        raise ConnectionError("no stamps")

    post = await open_post(world, fail, retry_attempts=3)
    await post.put("ann")

    assert await eventually(lambda: post.has_parked("dead", 3))
    assert tries == ["ann"] * 3
    assert await post.outcomes() == {"ann": "dead"}
    [(error, attempts)] = await post.running.rows("SELECT error, attempts FROM deliveries")
    assert (error, attempts) == ("no stamps", 3)
    for outcome in ("parked", "retried", "dead"):
        assert await post.counts(1, outcome)


@pytest.mark.parametrize("error", [RuleViolated("she has moved"), InvalidInput("to", "is nobody")])
async def test_a_refused_job_is_dead_at_once(world: World, error: Exception) -> None:
    async def refuse(letter: Letter) -> None:
        if letter.to == "ann":
            raise error

    post = await open_post(world, refuse)
    await post.put("ann", "ben")

    assert await post.does("ben")
    assert await eventually(post.parked) == [("ann", "dead", 1)]
    assert await post.counts(1, "dead")


async def test_a_job_that_was_done_already_is_done(world: World) -> None:
    async def repeat(letter: Letter) -> None:
        raise AlreadyExists("letter", letter.to)

    post = await open_post(world, repeat)
    await post.put("ann")

    assert await post.does("ann")
    assert await post.parked() == []


async def test_what_is_not_there_yet_is_tried_again(world: World) -> None:
    tries: list[int] = []

    async def deliver(letter: Letter) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise NotFound("address", letter.to)

    post = await open_post(world, deliver)
    await post.put("ann")

    assert await post.does("ann")
    assert len(tries) == 3


async def test_a_job_that_takes_too_long_has_failed(world: World) -> None:
    tries: list[int] = []

    async def hang_at_first(letter: Letter) -> None:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(3600)

    post = await open_post(world, hang_at_first, claim_seconds=0.5)
    await post.put("ann")

    assert await eventually(lambda: post.has_parked("waiting", 1) if len(tries) == 1 else True)
    assert await post.does("ann")
    assert len(tries) == 2


async def test_a_job_that_nobody_knows_waits_for_a_later_program(world: World) -> None:
    post = await open_post(world)

    await post.put("ann", job=Parcel)
    await post.put("ben")

    assert await post.does("ben")
    assert await eventually(post.parked) == [("ann", "newer", 0)]
    [(error,)] = await post.running.rows("SELECT error FROM parked")
    assert error == "post.letters does no post.Parcel"


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

    assert await post.does("ann")
    assert post.delivered == ["ann"]
    assert [attempts for (attempts,) in await post.running.rows("SELECT attempts FROM deliveries")] == [1]
    assert await eventually(lambda: not post.queue.trouble)


async def test_a_job_is_in_the_trace_of_its_cause(world: World) -> None:
    spans, fail = CapturedSpans(), iter([True, False])

    async def fail_once(letter: Letter) -> None:
        if next(fail):
            raise ConnectionError("no stamps")

    post = await open_post(world, fail_once)
    capture(post, spans)
    await post.put("ann")
    assert await post.does("ann")
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
    assert await post.does("ann")

    columns = "message_id, type, source, channel, seq, attempts, outbox_us, stream_us, handler_us, critical_us, error"
    [row] = await post.running.rows(f"SELECT {columns} FROM deliveries")
    [(message_id,)] = await post.running.rows("SELECT id FROM outbox")
    assert row[:6] == (message_id, "post.Letter", "post", "jobs.letters", 1, 1)
    assert row[9] >= row[8] >= 0 and row[6] >= 0 and row[7] >= 0 and row[10] == ""
    labels = {"type": "post.Letter", "group": GROUP}
    for metric in ("critical", "outbox", "stream", "handler"):
        assert await post.running.counts(1, f"mallbots_event_{metric}_seconds_count", **labels)
    assert await post.running.counts(1, "messaging_process_duration_seconds_count", outcome="applied", **labels)
