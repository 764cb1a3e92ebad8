"""The stream is transport: what it lost or never should have held is mended from the log of its source."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.messages import Contract, event
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.streams import RedisClient
from tests.platform.test_delivery import nothing_is_pending
from tests.platform.test_parking import operator
from tests.support.world import Running, World, eventually, flush, redis_client

STREAM = StreamName("teller", "events", partition_of("k", 4))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server that the test may kill."""
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fragile_world(tmp_path: Path, own_redis: EmbeddedRedis) -> World:
    return World(tmp_path, own_redis)


async def test_a_hole_is_filled_from_the_source(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two", "three")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xdel(STREAM.key, "2-0")
    listener = await world.listener()

    assert await listener.hears("one", "two", "three")
    assert await listener.counts(1, "mallbots_stream_gaps_detected_total")
    assert await listener.counts(1, "mallbots_stream_gaps_healed_total")


async def test_what_is_pending_and_no_longer_in_its_stream_comes_from_the_source(world: World) -> None:
    """And leaves no evidence, for it is none: as where it was trimmed while the group was being made."""
    teller = await world.teller()
    await teller.say("one", "two", "three")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xgroup_create(STREAM.key, "listener", "0")
        await client.xreadgroup("listener", "listener", {STREAM.key: ">"})
        await client.xtrim(STREAM.key, maxlen=1, approximate=False)
    listener = await world.listener()

    assert await listener.hears("one", "two", "three")
    assert await eventually(lambda: nothing_is_pending(world))
    assert await listener.rows("SELECT state, error FROM parked") == []


async def test_a_lost_end_is_found_without_a_next_entry(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two", "three")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xtrim(STREAM.key, maxlen=1, approximate=False)
        await client.xdel(STREAM.key, "3-0")
    listener = await world.listener()

    assert await listener.hears("one", "two", "three")
    assert await listener.counts(1, "mallbots_stream_gaps_detected_total")
    assert await eventually(lambda: every_hole_is_closed(listener))


async def test_a_hole_waits_for_its_source_to_come_back(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two", "three")
    await teller.stop()
    async with redis_client(world.redis) as client:
        await client.xdel(STREAM.key, "1-0")

    listener = await world.listener()
    await eventually(lambda: any(STREAM.key in trouble for trouble in listener.process.troubles))
    heard_without_its_source = await listener.heard()
    closed_without_its_source = every_hole_is_closed(listener)
    await world.teller()

    assert heard_without_its_source == []
    assert not closed_without_its_source
    assert await listener.hears("one", "two", "three")
    assert await eventually(lambda: not listener.process.troubles)
    assert await eventually(lambda: every_hole_is_closed(listener))


async def test_bytes_that_are_no_envelope_are_set_aside(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")

    async with redis_client(world.redis) as client:
        await client.xadd(STREAM.key, {"e": b"\xff\x00 no envelope"}, id="2-0")
    await teller.say("two")

    assert await listener.hears("one", "two")
    assert await eventually(lambda: evidence_is_kept(listener, seq=2))
    [(envelope, error)] = await listener.rows("SELECT envelope, error FROM parked")
    assert envelope == "\\xff\\x00 no envelope"
    assert error.startswith("envelope: ")
    assert await eventually(lambda: every_hole_is_closed(listener))

    await operator(listener, "DiscardParked", pb.DiscardParkedRequest(id=1))

    outcomes = await listener.rows("SELECT seq, outcome FROM deliveries ORDER BY seq")
    assert outcomes == [(1, "applied"), (2, "applied")]


def every_hole_is_closed(listener: Running) -> bool:
    found, healed = (listener.measured(f"mallbots_stream_gaps_{what}_total") for what in ("detected", "healed"))
    return found == healed > 0


async def evidence_is_kept(listener: Running, seq: int) -> bool:
    return await listener.rows("SELECT state, seq FROM parked") == [("dead", seq)]


async def test_an_entry_beyond_the_log_is_taken_out(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")

    async with redis_client(world.redis) as client:
        await client.xadd(STREAM.key, {"e": b"from somebody else"}, id="500-0")
    await teller.say("two", "three")

    assert await listener.hears("one", "two", "three", seconds=20)
    async with redis_client(world.redis) as client:
        assert await eventually(lambda: entries_are(client, [b"1-0", b"2-0", b"3-0"]))


async def test_bytes_that_nobody_had_read_when_their_source_took_them_out_leave_a_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    teller = await world.teller()
    await teller.say("one")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xadd(STREAM.key, {"e": b"from somebody else"}, id="2-0")
        assert await eventually(lambda: entries_are(client, [b"1-0"]))
    listener = await world.listener()

    assert await listener.hears("one")
    assert '"event": "foreign entries removed"' in capsys.readouterr().out
    assert await listener.rows("SELECT * FROM parked") == []


async def entries_are(client: RedisClient, wanted: list[bytes]) -> bool:
    return [entry_id for entry_id, _ in await client.xrange(STREAM.key)] == wanted


async def test_an_entry_with_anothers_envelope_is_not_believed(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        [(_, first), _] = await client.xrange(STREAM.key)
        await client.delete(STREAM.key)
        await client.xadd(STREAM.key, first, id="1-0")
        await client.xadd(STREAM.key, first, id="2-0")
    listener = await world.listener()

    assert await listener.hears("one", "two")
    assert await eventually(lambda: evidence_is_kept(listener, seq=2))


@event
class Numbered:
    text: int


Numbered.__name__ = "Said"
OTHER_PAYLOAD = Contract(context="teller", events=(Numbered,))


async def test_what_cannot_be_read_is_dead_at_once(world: World) -> None:
    strange, listener = await world.teller(OTHER_PAYLOAD), await world.listener()
    await strange.process.change(lambda: strange.process.outbox.record(Numbered(text=5), key="k"))
    await eventually(lambda: strange.process.relay.behind == 0)
    await strange.stop()

    teller = await world.teller()
    await teller.say("of its key")
    await teller.say("of another key", key="other")

    assert await listener.hears("of another key")
    assert await eventually(lambda: parked_are(listener, [("dead", 1), ("queued", 0)]))
    [(error,)] = await listener.rows("SELECT error FROM parked WHERE state = 'dead'")
    assert "`$.text`" in error


async def test_without_redis_commands_go_on(fragile_world: World) -> None:
    teller, listener = await fragile_world.teller(), await fragile_world.listener()
    await teller.say("before")
    assert await listener.hears("before")

    fragile_world.redis.kill()
    await teller.say("while it was away")
    await eventually(lambda: teller.process.troubles and listener.process.troubles)
    behind = teller.process.relay.behind
    fragile_world.redis.start()

    assert behind == 1
    assert await listener.hears("before", "while it was away")
    assert await eventually(lambda: not teller.process.troubles and not listener.process.troubles)


async def test_a_redis_that_lost_everything_is_filled_again(fragile_world: World) -> None:
    teller, listener = await fragile_world.teller(), await fragile_world.listener()
    spans = teller.capture()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")

    fragile_world.redis.kill()
    shutil.rmtree(fragile_world.redis.directory)
    fragile_world.redis.start()
    await teller.say("three")

    assert await listener.hears("one", "two", "three")
    assert await teller.counts(2, "mallbots_outbox_republished_total")
    sent = partial(spans.named, "send teller.events")
    assert await eventually(lambda: sum(span.attributes.get("mallbots.republished", 0) for span in sent()) == 2)


async def test_a_flushed_redis_is_filled_again_though_nobody_says_anything_more(world: World) -> None:
    teller = await world.teller()
    await teller.say("one")
    await eventually(lambda: teller.process.relay.behind == 0)

    await flush(world.redis)
    listener = await world.listener()

    assert await listener.hears("one")


async def test_a_redis_restored_from_an_older_dump_catches_up(fragile_world: World, tmp_path: Path) -> None:
    redis = fragile_world.redis
    teller, listener = await fragile_world.teller(), await fragile_world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    redis.stop()
    shutil.copytree(redis.directory, tmp_path / "dump")
    redis.start()
    await teller.say("two", "three")
    assert await listener.hears("one", "two", "three", seconds=20)

    redis.kill()
    shutil.rmtree(redis.directory)
    shutil.copytree(tmp_path / "dump", redis.directory)
    redis.start()
    await teller.say("four")

    assert await listener.hears("one", "two", "three", "four", seconds=20)


async def test_a_group_that_vanished_is_made_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")

    async with redis_client(world.redis) as client:
        await client.xgroup_destroy(STREAM.key, "listener")
    await teller.say("two")

    assert await listener.hears("one", "two")


async def test_a_deleted_consumer_takes_nothing_with_it(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    await listener.stop()
    await teller.say("two", "three")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xreadgroup("listener", "listener", {STREAM.key: ">"})
        await client.xgroup_delconsumer(STREAM.key, "listener", "listener")
    await teller.say("four")
    listener = await world.listener()

    assert await listener.hears("one", "two", "three", "four")


async def test_what_a_dead_reader_held_is_found_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    await listener.stop()
    await teller.say("two", "three")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xreadgroup("listener", "listener", {STREAM.key: ">"})
    listener = await world.listener()

    assert await listener.hears("one", "two", "three")


async def test_an_entry_that_kills_its_process_is_buried(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("fine")
    assert await listener.hears("fine")
    await listener.stop()
    await teller.say("deadly", "behind it")
    await teller.say("beside it", key="other")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xreadgroup("listener", "listener", {STREAM.key: ">"})
    note_crashes(world.directory / "listener.db", times=10)
    listener = await world.listener()

    assert await listener.hears("fine", "beside it")
    assert await eventually(lambda: parked_are(listener, [("dead", 10), ("queued", 0)]))
    assert await listener.counts(1, "mallbots_deliveries_total", outcome="dead")


def note_crashes(database: Path, times: int) -> None:
    """As the process would have done before each try that killed it."""
    with closing(sqlite3.connect(database)) as connection, connection:
        lane = f"listener {STREAM.source}.{STREAM.channel}.{STREAM.partition}"
        connection.execute("INSERT INTO crash_notes VALUES (?, ?, 'before', ?)", (lane, f"{2:020d}", times - 1))


async def parked_are(listener: Running, wanted: list[tuple[str, int]]) -> bool:
    return await listener.rows("SELECT state, attempts FROM parked ORDER BY id") == wanted
