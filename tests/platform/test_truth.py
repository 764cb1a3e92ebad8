"""A database goes back to what it was: whoever has applied more than it knows stops, says so, and can be settled."""

import shutil
from pathlib import Path
from typing import cast

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.partitions import StreamName, partition_of
from tests.platform.test_parking import operator
from tests.support.world import Running, World, eventually, flush, redis_client

STREAM = StreamName("teller", "events", partition_of("k", 4))
BEFORE = [f"old {number}" for number in range(1, 4)]
LOST = [f"lost {number}" for number in range(4, 7)]


def copy_database(world: World, context: str) -> Path:
    """As a backup does that was taken while nothing was open."""
    kept = world.directory / "backup"
    kept.mkdir(exist_ok=True)
    for path in world.directory.glob(f"{context}.db*"):
        shutil.copy(path, kept)
    return kept


def restore_database(world: World, context: str) -> None:
    for path in world.directory.glob(f"{context}.db*"):
        path.unlink()
    for path in (world.directory / "backup").glob(f"{context}.db*"):
        shutil.copy(path, world.directory)


async def a_teller_that_went_back(world: World) -> Running:
    """It has said three messages, and three more that its database does not know any more."""
    teller = await world.teller()
    await teller.say(*BEFORE)
    await teller.stop()
    copy_database(world, "teller")
    teller = await world.teller()
    await teller.say(*LOST)
    await eventually(lambda: teller.process.relay.behind == 0)
    return teller


async def go_back(world: World, teller: Running) -> Running:
    await teller.stop()
    restore_database(world, "teller")
    return await world.teller()


async def is_told(listener: Running) -> bool:
    told = any("its database went back" in trouble for trouble in listener.process.troubles)
    return told and listener.measured("mallbots_stream_parted", source="teller") == 1


async def list_lost(running: Running) -> pb.ListLostResponse:
    return cast(pb.ListLostResponse, await operator(running, "ListLost", pb.ListLostRequest()))


async def settle_lost(running: Running, *, take_back: bool = False) -> pb.SettleLostResponse:
    request = pb.SettleLostRequest(source="teller", take_back=take_back)
    return cast(pb.SettleLostResponse, await operator(running, "SettleLost", request))


@pytest.mark.parametrize("said_since", [0, 1, 3, 5])
async def test_who_has_heard_what_was_lost_stops_and_is_told(world: World, said_since: int) -> None:
    """Whether the new messages have the numbers of the lost ones, or go beyond them."""
    listener = await world.listener()
    teller = await a_teller_that_went_back(world)
    assert await listener.hears(*BEFORE, *LOST)

    teller = await go_back(world, teller)
    await teller.say(*[f"new {number}" for number in range(said_since)])

    assert await eventually(lambda: is_told(listener), seconds=15)
    assert await listener.heard() == [*BEFORE, *LOST]
    assert await eventually(lambda: teller.process.relay.aside.messages == len(LOST))
    assert any("its database has lost: 3" in trouble for trouble in teller.process.troubles)


async def test_whoever_was_not_so_far_goes_on(world: World) -> None:
    """It has not heard what was lost, and hears what is said instead."""
    listener = await world.listener()
    teller = await world.teller()
    await teller.say(*BEFORE)
    assert await listener.hears(*BEFORE)
    await listener.stop()
    await teller.stop()
    copy_database(world, "teller")
    teller = await world.teller()
    await teller.say(*LOST)
    await eventually(lambda: teller.process.relay.behind == 0)

    teller = await go_back(world, teller)
    await eventually(lambda: teller.process.relay.aside.messages == len(LOST))
    await teller.say("new")
    listener = await world.listener()

    assert await listener.hears(*BEFORE, "new")
    assert not listener.process.troubles


async def test_all_is_told_though_redis_lost_everything_too(world: World) -> None:
    listener = await world.listener()
    teller = await a_teller_that_went_back(world)
    assert await listener.hears(*BEFORE, *LOST)

    await teller.stop()
    await flush(world.redis)
    restore_database(world, "teller")
    teller = await world.teller()
    await teller.say("new")

    assert await eventually(lambda: is_told(listener), seconds=15)
    assert await listener.heard() == [*BEFORE, *LOST]


async def test_a_source_that_only_started_again_is_believed(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()

    for text in ("one", "two", "three"):
        await teller.say(text)
        await teller.stop()
        teller = await world.teller()

    assert await listener.hears("one", "two", "three")
    assert await listener.counts(0, "mallbots_stream_gaps_detected_total")
    epochs = await teller.rows("SELECT DISTINCT epoch FROM outbox_epochs")
    assert len(epochs) == 3


async def test_going_on_leaves_lost_what_was_lost(world: World) -> None:
    listener = await world.listener()
    teller = await a_teller_that_went_back(world)
    assert await listener.hears(*BEFORE, *LOST)
    teller = await go_back(world, teller)
    await teller.say("new 4", "new 5")
    await eventually(lambda: is_told(listener), seconds=15)

    listed = await list_lost(listener)
    settled = await settle_lost(listener)
    own = await settle_lost(teller)
    await teller.say("new 6")

    [parting] = listed.partings
    assert (parting.agreed_sequence, parting.applied_sequence, parting.last_sequence) == (3, 6, 5)
    assert [each.sequence for each in listed.messages] == [4, 5, 6]
    assert (settled.lost, own.lost, own.taken_back) == (3, 3, 0)
    assert await listener.hears(*BEFORE, *LOST, "new 4", "new 5", "new 6")
    assert await eventually(lambda: not listener.process.troubles and not teller.process.troubles)
    noted = (await list_lost(listener)).messages
    assert [(each.sequence, each.settled_at > 0) for each in noted] == [(4, True), (5, True), (6, True)]


async def test_what_is_taken_back_is_heard_by_those_who_had_not(world: World) -> None:
    listener = await world.listener()
    teller = await a_teller_that_went_back(world)
    assert await listener.hears(*BEFORE, *LOST)
    teller = await go_back(world, teller)
    await teller.say("new 4")
    await eventually(lambda: is_told(listener), seconds=15)
    await eventually(lambda: teller.process.relay.aside.messages == len(LOST))

    await settle_lost(listener, take_back=True)
    own = await settle_lost(teller, take_back=True)
    late = await world.listener(context="late")

    assert own.taken_back == 3
    assert await listener.hears(*BEFORE, *LOST, "new 4")
    assert await late.hears(*BEFORE, "new 4", *LOST)
    outcomes = await listener.rows("SELECT DISTINCT outcome FROM deliveries")
    assert outcomes == [("applied",)]
    assert await listener.hears(*BEFORE, *LOST, "new 4")


async def test_bytes_of_somebody_else_are_not_set_aside(world: World) -> None:
    teller = await world.teller()
    await teller.say("one")
    await eventually(lambda: teller.process.relay.behind == 0)

    async with redis_client(world.redis) as client:
        await client.xadd(STREAM.key, {"e": b"from somebody else"}, id="9-0")

        async def is_gone() -> bool:
            return [entry_id for entry_id, _ in await client.xrange(STREAM.key)] == [b"1-0"]

        assert await eventually(is_gone)
    assert await teller.rows("SELECT * FROM aside") == []


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_database_may_go_back_beneath_its_process(world: World, goes_on: bool) -> None:
    """As where a pooler leads to a replica that lacked the last commits: no connection is lost."""
    teller, listener = await world.teller(), await world.listener()
    await teller.say(*BEFORE, *LOST)
    assert await listener.hears(*BEFORE, *LOST)
    database = teller.process.database

    def go_back() -> None:
        database.run("DELETE FROM outbox WHERE seq > 3")
        database.run("UPDATE outbox_heads SET last_seq = 3, published_seq = 3")

    await teller.process.change(go_back)
    if goes_on:
        await teller.say("new 4")

    assert await eventually(lambda: is_told(listener), seconds=15)
    assert await eventually(lambda: teller.process.relay.aside.messages == len(LOST))
    assert await listener.heard() == [*BEFORE, *LOST]
    epochs = await teller.rows("SELECT first_seq FROM outbox_epochs WHERE partition = ?", STREAM.partition)
    assert len(epochs) == (2 if goes_on else 1)
