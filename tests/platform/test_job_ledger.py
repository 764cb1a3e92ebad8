"""The log says what a job is, the ledger what has become of it, whatever the streams hold."""

import asyncio

import msgspec
import pytest

from mallbots_platform.errors import RuleViolated
from mallbots_platform.streams import sequence_of
from tests.support.parts import empty_postgres
from tests.support.posts import (
    GROUP,
    NAMES,
    Letter,
    Post,
    hold_as_a_dead_worker,
    nothing_is_left,
    open_post,
    stream_of,
)
from tests.support.world import World, eventually, flush, redis_client


@pytest.fixture
def two_places(world: World, postgres_url: str) -> World:
    """Where two processes of the context can work at the same time."""
    world.databases["post"] = empty_postgres(postgres_url)
    return world


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

    assert await post.does("ben")
    assert await eventually(lambda: nothing_is_left(world))
    assert (await post.outcomes())["ann"] == "discarded"
    assert await post.parked() == []


async def test_a_parked_job_that_kills_its_process_is_buried(world: World) -> None:
    await hold_as_a_dead_worker(world, "ann")
    post = await open_post(world, workers=0)
    await park(post, "ann", attempts=10)
    await post.running.stop()

    post = await open_post(world)

    assert await eventually(lambda: post.has_parked("dead", 11))
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
    await hold_as_a_dead_worker(two_places, *NAMES[:10])
    idle = await open_post(two_places, workers=0)
    for name in NAMES[:10]:
        await park(idle, name, attempts=1)
    await idle.running.stop()

    async def take_a_while(letter: Letter) -> None:
        await asyncio.sleep(0.05)

    here, there = await asyncio.gather(open_post(two_places, take_a_while), open_post(two_places, take_a_while))

    assert await here.does(*NAMES[:10])
    assert sorted(here.delivered + there.delivered) == NAMES[:10]


async def test_a_job_that_is_lost_from_its_stream_is_done_all_the_same(world: World) -> None:
    idle = await open_post(world, workers=0)
    await idle.put("ann", "ben")
    await eventually(lambda: idle.process.relay.behind == 0)
    await idle.running.stop()
    async with redis_client(world.redis) as client:
        for name in ("ann", "ben"):
            await client.xtrim(stream_of(name).key, maxlen=0, approximate=False)

    post = await open_post(world, claim_seconds=0.5)

    assert await post.does("ann", "ben")
    assert sorted(post.delivered) == ["ann", "ben"]
    assert await post.running.counts(2, "mallbots_stream_gaps_healed_total", group=GROUP)


async def test_a_job_that_waits_is_no_stray(world: World) -> None:
    *waiting, stray = [name for name in NAMES if stream_of(name) == stream_of(NAMES[0])]
    idle = await open_post(world, workers=0, claim_seconds=0.2)
    await idle.put(*waiting, stray)
    await eventually(lambda: idle.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xdel(stream_of(stray).key, f"{len(waiting) + 1}-0")

    assert await eventually(idle.parked) == [(stray, "waiting", 1)]


POISON = [{"e": b"\xff\x00 no envelope"}, {"x": b""}, {"e": b'{"specversion":"1.0"}', "t": b"never"}]


@pytest.mark.parametrize("fields", POISON)
async def test_bytes_that_are_no_job_are_buried(world: World, fields: dict[str, bytes]) -> None:
    post = await open_post(world, claim_seconds=1.0)
    await post.put("ann")
    assert await post.does("ann")

    async with redis_client(world.redis) as client:
        entry_id = await client.xadd(stream_of("ann").key, fields)
    assert await eventually(post.parked) == [("", "dead", 1)]
    await post.put("ann too", "ann", "ben")

    assert await post.does("ann", "ben")
    assert await eventually(lambda: "ann too" in post.delivered)
    [(seq, error)] = await post.running.rows("SELECT seq, error FROM parked")
    assert seq == sequence_of(entry_id)
    assert error == f"sequence: no job has the number {seq}"
    assert await post.counts(1, "dead")


async def test_an_operator_may_retry_and_discard_what_is_no_job(world: World) -> None:
    post = await open_post(world)
    await post.put("ann")
    assert await post.does("ann")
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
    assert await post.does("ann")
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

    assert await post.does("ann")
    assert (post.delivered, await post.parked()) == (["ann"], [])
    assert await post.running.counts(1, "mallbots_stream_gaps_detected_total", group=GROUP)


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

    assert await post.does("ann")
