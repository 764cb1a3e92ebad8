"""Streams are trimmed where they are old and acknowledged by all; the log still has everything, and so has a replay."""

from itertools import accumulate
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.retention import Retention, old_ones
from tests.platform.test_parking import operator
from tests.support.world import Running, World, eventually, flush, redis_client

STREAM = StreamName("teller", "events", partition_of("k", 4))
AGAIN = pb.ReplayRequest(group="listener", from_sequence=1, again_with_effects=True)
AGAIN_FROM_THREE = pb.ReplayRequest(group="listener", source="teller", from_sequence=3, again_with_effects=True)


def retention(teller: Running, seconds: float) -> Retention:
    process = teller.process
    return Retention(process.context, process.redis, process.writer, process.readers, seconds, process.telemetry)


async def entries(world: World) -> list[bytes]:
    async with redis_client(world.redis) as client:
        return [entry_id for entry_id, _ in await client.xrange(STREAM.key)]


async def acknowledged(world: World) -> bool:
    async with redis_client(world.redis) as client:
        return bool((await client.xpending(STREAM.key, "listener"))["pending"] == 0)


async def test_what_is_old_and_acknowledged_is_trimmed(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two", "three")
    assert await listener.hears("one", "two", "three")
    await eventually(lambda: acknowledged(world))

    trimmed = await retention(teller, 0).trim()

    assert trimmed == 3
    assert await entries(world) == []
    assert teller.measured("mallbots_stream_trimmed_total") == 3


async def test_what_is_young_stays(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    await eventually(lambda: acknowledged(world))

    trimmed = await retention(teller, 3600).trim()

    assert trimmed == 0


@given(st.lists(st.integers(0, 3), max_size=9), st.integers(0, 30), st.integers(0, 9))
def test_what_is_old_is_found_by_a_few_looks_at_the_log(gaps: list[int], before: int, trimmed: int) -> None:
    times = list(accumulate(gaps))
    looks = 0

    class Log:
        def run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
            nonlocal looks
            if "outbox_heads" in statement:
                return [("events", 0, min(trimmed, len(times)), len(times))]
            looks += 1
            return [(times[int(str(values[2])) - 1],)]

    old = sum(time < before for time in times)
    expected = [("events", 0, old)] if old > min(trimmed, len(times)) else []
    log: Any = Log()
    assert old_ones(log, before) == expected
    assert looks <= 4


async def test_what_a_group_has_not_read_stays(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    async with redis_client(world.redis) as client:
        await client.xgroup_create(STREAM.key, "slow", "1-0")

    trimmed = await retention(teller, 0).trim()

    assert trimmed == 1
    assert await entries(world) == [b"2-0"]


async def test_what_a_group_has_read_and_not_acknowledged_stays(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    async with redis_client(world.redis) as client:
        await client.xgroup_create(STREAM.key, "slow", "0")
        await client.xreadgroup("slow", "slow", {STREAM.key: ">"})
        await client.xack(STREAM.key, "slow", "1-0")

    trimmed = await retention(teller, 0).trim()

    assert trimmed == 1
    assert await entries(world) == [b"2-0"]


async def test_a_trimmed_stream_goes_on(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()

    await teller.say("three")

    assert await listener.hears("one", "two", "three")
    assert await entries(world) == [b"3-0"]


async def test_what_was_trimmed_is_not_published_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()
    await teller.crash()

    await flush(world.redis)
    teller = await world.teller()
    await teller.say("three")

    assert await listener.hears("one", "two", "three")
    assert await entries(world) == [b"3-0"]


async def test_what_was_trimmed_is_not_published_again_by_a_process_that_commits_before_it_has_read_its_marks(
    world: World,
) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()
    await teller.crash()

    await flush(world.redis)
    teller = await world.teller()
    teller.process.relay.committed({(STREAM.channel, STREAM.partition): 2})
    await teller.say("three")

    assert await listener.hears("one", "two", "three")
    assert await entries(world) == [b"3-0"]


async def test_what_was_trimmed_a_moment_ago_is_not_published_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()

    await flush(world.redis)
    await teller.say("three")

    assert await listener.hears("one", "two", "three")
    assert await entries(world) == [b"3-0"]


async def test_a_late_comer_gets_what_was_trimmed(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()
    await teller.say("three")

    late = await world.listener(context="late")

    assert await late.hears("one", "two", "three")


async def test_a_replay_applies_everything_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await eventually(lambda: acknowledged(world))
    await retention(teller, 0).trim()

    answer = await operator(listener, "Replay", AGAIN)
    await teller.say("three")

    assert answer == pb.ReplayResponse(messages=2)
    assert await listener.hears("one", "two", "one", "two", "three")


async def test_a_replay_may_begin_in_the_middle(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two", "three")
    assert await listener.hears("one", "two", "three")

    await operator(listener, "Replay", AGAIN_FROM_THREE)

    assert await listener.hears("one", "two", "three", "three")


async def test_a_replay_stays_out_of_old_traces(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    spans = listener.capture()

    await operator(listener, "Replay", AGAIN)
    assert await listener.hears("one", "one")
    await teller.say("two")
    assert await listener.hears("one", "one", "two")

    [(replayed,), (new,)] = await teller.rows("SELECT trace_id FROM outbox ORDER BY seq")
    again, first = await eventually(
        lambda: len(spans.named("process teller.Said")) == 2 and spans.named("process teller.Said")
    )
    assert again.trace_id_hex != replayed
    assert [link.traceparent[3:35] for link in again.links] == [replayed]
    assert first.trace_id_hex == new
