"""Two processes of one context on PostgreSQL: they share the partitions, and one that stalled cannot commit."""

import asyncio
from collections.abc import Callable

import pytest

from mallbots_platform.leases import Fence, LeaseLost
from mallbots_platform.partitions import partition_of
from tests.conftest import new_database
from tests.platform.test_delivery import KEYS, everything_was_heard_once_and_in_order, words
from tests.support.world import Running, World, eventually


@pytest.fixture
def shared_world(world: World, postgres_url: str) -> World:
    world.databases["listener"] = new_database(postgres_url)
    world.databases["teller"] = new_database(postgres_url)
    return world


def owned(*listeners: Running) -> list[set[int]]:
    return [set(listener.process.subscriptions["listener"]._leases.owned) for listener in listeners]


async def test_each_partition_has_one_owner(shared_world: World) -> None:
    await shared_world.teller()
    one, other = await shared_world.listener(), await shared_world.listener()

    await eventually(lambda: set.union(*owned(one, other)) == {0, 1, 2, 3})

    assert not set.intersection(*owned(one, other))


async def test_partitions_move_when_an_owner_dies(shared_world: World) -> None:
    teller, one, other = await shared_world.teller(), await shared_world.listener(), await shared_world.listener()
    for key in KEYS:
        await teller.say(*words(key, 5), key=key)

    await one.crash()
    for key in KEYS:
        await teller.say(*words(key, 5, start=5), key=key)

    assert await everything_was_heard_once_and_in_order(other, 10)
    assert owned(other) == [{0, 1, 2, 3}]


async def test_partitions_move_at_once_when_an_owner_leaves(shared_world: World) -> None:
    teller, one = await shared_world.teller(lease_seconds=60.0), await shared_world.listener(lease_seconds=60.0)
    await teller.say("one")
    assert await one.hears("one")

    await one.stop()
    other = await shared_world.listener(lease_seconds=60.0)
    await teller.say("two")

    assert await other.hears("one", "two")


async def test_two_processes_lose_and_double_nothing(shared_world: World) -> None:
    one, other = await shared_world.teller(), await shared_world.teller()
    listeners = await shared_world.listener(), await shared_world.listener()

    for start in range(0, 20, 2):
        for key in KEYS:
            await one.say(*words(key, 1, start), key=key)
        await asyncio.gather(*(other.say(*words(key, 1, start + 1), key=key) for key in KEYS))

    assert await everything_was_heard_once_and_in_order(listeners[0], 20)


async def test_a_stalled_owner_cannot_commit(shared_world: World) -> None:
    teller, one = await shared_world.teller(), await shared_world.listener()
    await teller.say("one")
    assert await one.hears("one")
    stale = one.process.subscriptions["listener"]._leases.owned[partition_of("k", 4)]

    await gain_as_somebody_else(one, stale)
    await teller.say("two")

    assert await one.counts(1, "mallbots_fenced_commits_total")
    assert await one.heard() == ["one"]


async def gain_as_somebody_else(running: Running, fence: Fence) -> None:
    """As another process does when the lease in Redis has run out."""
    statement = "UPDATE fences SET generation = generation + 1, owner = 'else' WHERE unit = ?"
    await running.process.change(lambda: running.process.database.run(statement, (fence.unit,)))


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Callable[[Running], None]:
    def pause(running: Running) -> None:
        """It neither renews nor notices: the process is stopped from outside."""

        async def nothing() -> None: ...

        leases = running.process.subscriptions["listener"]._leases
        monkeypatch.setattr(leases, "refresh", nothing)

    return pause


async def test_who_wakes_up_after_its_lease_is_fenced_off(
    shared_world: World, paused: Callable[[Running], None]
) -> None:
    teller, one = await shared_world.teller(), await shared_world.listener()
    await teller.say("one")
    assert await one.hears("one")

    paused(one)
    other = await shared_world.listener()
    await eventually(lambda: owned(other) == [{0, 1, 2, 3}])
    await teller.say(*words("two", 10))

    assert await other.hears("one", *words("two", 10))


async def test_a_fence_names_what_was_lost(world: World) -> None:
    listener = await world.listener()
    await eventually(lambda: owned(listener) == [{0, 1, 2, 3}])
    fence = listener.process.subscriptions["listener"]._leases.owned[0]

    await gain_as_somebody_else(listener, fence)

    with pytest.raises(LeaseLost, match="partition 0 has a newer owner than generation 1"):
        await listener.process.change(lambda: fence.check(listener.process.database))


async def test_a_restarted_process_does_not_wait_for_its_own_lease(world: World) -> None:
    teller, listener = await world.teller(lease_seconds=60.0), await world.listener(lease_seconds=60.0)
    await teller.say("one")
    assert await listener.hears("one")

    await listener.crash()
    listener = await world.listener(lease_seconds=60.0)
    await teller.say("two")

    assert await listener.hears("one", "two")
