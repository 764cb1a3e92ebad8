"""From one context to another, over a real Redis: nothing lost, nothing doubled, nothing reordered within a key."""

import random
import time

from mallbots_platform.clock import shift
from mallbots_platform.errors import DatabaseAway, Unavailable
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.process import Process
from tests.support.world import Running, Whispered, World, eventually, flush, redis_client

KEYS = [f"key-{number}" for number in range(12)]


def words(key: str, count: int, start: int = 0) -> list[str]:
    return [f"{key} {number}" for number in range(start, start + count)]


def of_key(heard: list[str], key: str) -> list[str]:
    return [text for text in heard if text.startswith(f"{key} ")]


async def everything_was_heard_once_and_in_order(listener: Running, count: int) -> bool:
    heard = await listener.until(lambda found: len(found) >= count * len(KEYS), seconds=30)
    return all(of_key(heard, key) == words(key, count) for key in KEYS)


async def test_what_is_said_is_heard_in_order(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    await teller.say("one", "two", "three")

    assert await listener.hears("one", "two", "three")


async def test_a_listener_that_starts_late_hears_everything(world: World) -> None:
    teller = await world.teller()
    await teller.say("before", "anybody", "listened")
    await eventually(lambda: teller.process.relay.behind == 0)

    listener = await world.listener()

    assert await listener.hears("before", "anybody", "listened")
    assert listener.measured("mallbots_stream_gaps_detected_total") == 0


async def test_what_is_not_applied_stays_pending(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(on_said=database_is_away)

    await teller.say("one")

    assert await eventually(lambda: listener.process.troubles)
    assert not await nothing_is_pending(world)


async def test_an_outage_burns_no_attempt(world: World) -> None:
    days = iter(["bad", "bad", "bad"])

    def away_at_first(text: str) -> None:
        if next(days, None):
            database_is_away(text)

    teller, listener = await world.teller(), await world.listener(away_at_first, retry_attempts=1)

    await teller.say("one", "two")

    assert await listener.hears("one", "two")
    assert await listener.rows("SELECT attempts, outcome FROM deliveries") == [(1, "applied"), (1, "applied")]


async def test_another_service_that_is_away_holds_up_its_own_key_alone(world: World) -> None:
    answers = iter([Unavailable("the bank is away")])

    def bank(text: str) -> None:
        if text == "pay" and (trouble := next(answers, None)):
            raise trouble

    teller, listener = await world.teller(), await world.listener(bank, retry_base_seconds=0.5, retry_cap_seconds=0.5)

    await teller.say("pay", "and go", key="a")
    await teller.say("elsewhere", key="b")

    assert await listener.hears("elsewhere", "pay", "and go")
    assert await listener.rows("SELECT attempts FROM deliveries WHERE attempts > 1") == [(2,)]


def database_is_away(text: str) -> None:
    raise DatabaseAway("the database does not answer")


async def test_what_was_acknowledged_by_mistake_is_still_applied(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    await listener.stop()
    await teller.say("two")
    await eventually(lambda: teller.process.relay.behind == 0)

    stream = StreamName("teller", "events", partition_of("k", 4))
    async with redis_client(world.redis) as client:
        await client.xreadgroup("listener", "somebody", {stream.key: ">"})
        await client.xack(stream.key, "listener", "2-0")
    listener = await world.listener()

    assert await listener.hears("one", "two")


async def test_what_nobody_handles_is_acknowledged_and_counted(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    await teller.process.change(lambda: teller.process.outbox.record(Whispered(text="psst"), key="k"))
    await teller.say("aloud")

    assert await listener.hears("aloud")
    assert await listener.counts(1, "mallbots_deliveries_total", outcome="ignored")
    assert await eventually(lambda: nothing_is_pending(world))


async def nothing_is_pending(world: World) -> bool:
    async with redis_client(world.redis) as client:
        pending = [
            await client.xpending(StreamName("teller", "events", partition).key, "listener") for partition in range(4)
        ]
        return not any(each["pending"] for each in pending)


async def test_a_refused_change_says_nothing(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    def says_and_then_fails() -> None:
        teller.process.outbox.record(Whispered(text="lost"), key="k")
        raise ValueError("no")

    try:
        await teller.process.change(says_and_then_fails)
    except ValueError:
        await teller.say("kept")

    assert await listener.hears("kept")
    assert await teller.rows("SELECT type, seq FROM outbox") == [("teller.Said", 1)]


async def test_numbers_have_no_holes(world: World) -> None:
    teller, dice = await world.teller(), random.Random(1)

    for text in words("w", 50):
        await teller.say(text, key=dice.choice(KEYS))

    rows = await teller.rows("SELECT partition, seq FROM outbox ORDER BY partition, seq")
    counts = {partition: sum(1 for row in rows if row[0] == partition) for partition, _ in rows}
    assert rows == [(partition, number) for partition, count in counts.items() for number in range(1, count + 1)]
    assert sum(counts.values()) == 50


async def test_a_restart_of_either_side_loses_nothing(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    for key in KEYS:
        await teller.say(*words(key, 10), key=key)

    await listener.stop()
    await teller.crash()
    teller = await world.teller()
    for key in KEYS:
        await teller.say(*words(key, 10, start=10), key=key)
    listener = await world.listener()

    assert await everything_was_heard_once_and_in_order(listener, 20)


async def test_a_flushed_redis_loses_and_doubles_nothing(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    for start in range(0, 40, 10):
        for key in KEYS:
            await teller.say(*words(key, 10, start), key=key)
        await flush(world.redis)

    assert await everything_was_heard_once_and_in_order(listener, 40)
    assert await eventually(lambda: teller.measured("mallbots_outbox_republished_total") > 0)


async def test_the_same_entry_twice_has_one_effect(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("once")
    assert await listener.hears("once")

    stream = StreamName("teller", "events", partition_of("k", 4))
    async with redis_client(world.redis) as client:
        await client.xgroup_setid(stream.key, "listener", "0")
    await teller.say("and on")

    assert await listener.hears("once", "and on")
    assert await listener.counts(1, "mallbots_deliveries_total", outcome="duplicate")


async def test_redis_refuses_a_second_copy(world: World) -> None:
    teller = await world.teller()
    await teller.say("one")
    await eventually(lambda: teller.process.relay.behind == 0)

    await forget_what_was_published(teller.process)
    await teller.crash()
    teller = await world.teller()
    await teller.say("two")

    await eventually(lambda: teller.process.relay.behind == 0)
    async with redis_client(world.redis) as client:
        entries = await client.xrange(StreamName("teller", "events", partition_of("k", 4)).key)
    assert [entry_id for entry_id, _ in entries] == [b"1-0", b"2-0"]
    assert await teller.counts(1, "mallbots_outbox_duplicates_refused_total")


async def forget_what_was_published(process: Process) -> None:
    """As if the process had died between the append and the note of it."""
    process.relay.progress.clear()
    await process.change(lambda: process.database.run("UPDATE outbox_heads SET published_seq = 0"))


async def test_two_groups_of_one_context_both_hear(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(purposes=("first", "second"))

    await teller.say("to all")

    heard = await listener.until(lambda found: len(found) == 2)
    assert sorted(heard) == ["first: to all", "second: to all"]


async def test_nobody_steals_anothers_events(world: World) -> None:
    teller, one, other = await world.teller(), await world.listener(), await world.listener(context="other")

    await teller.say(*words("k", 20))

    assert await one.hears(*words("k", 20))
    assert await other.hears(*words("k", 20))


async def test_a_clock_that_is_ahead_where_it_was_written_shows_where_it_is_read(world: World) -> None:
    teller = await world.teller()
    shift(3600)
    try:
        await teller.say("an hour from now")
    finally:
        shift(0)

    listener = await world.listener()

    assert await listener.hears("an hour from now")
    assert await listener.counts(1, "mallbots_clock_skew_total")


async def test_the_parts_of_a_delay_add_up_also_for_the_last_of_a_batch(world: World) -> None:
    teller = await world.teller()
    await teller.say(*words("k", 5))
    await eventually(lambda: teller.process.relay.behind == 0)

    listener = await world.listener(lambda text: time.sleep(0.05))
    assert await listener.hears(*words("k", 5))

    rows = await listener.rows("SELECT outbox_us + stream_us + handler_us, critical_us FROM deliveries")
    assert all(abs(parts - critical) < 2_000 for parts, critical in rows)
    assert max(critical for _, critical in rows) > 250_000
