"""What a chaotic day has in store, for any seed. Nothing runs here."""

import asyncio
import signal
from itertools import pairwise

import pytest

from mallbots.directories import CONTEXTS
from mallbots.redis_proxy import RedisProxy
from mallbots.reporting import Failed
from mallbots.troubles.trouble import KILLED
from tests.support.stand_in import StandIn, chaos_of

SEEDS = range(100)
PAIRS = {f"{one} and {other}" for one in CONTEXTS for other in CONTEXTS if one != other}


def test_any_day_has_many_troubles_of_many_kinds() -> None:
    for seed in SEEDS:
        troubles = chaos_of(seed)._troubles
        killed = {trouble.target for trouble in troubles if trouble.kind == KILLED}

        assert len(troubles) >= 15
        assert len({trouble.kind for trouble in troubles}) >= 10
        assert killed >= {*CONTEXTS, "all contexts"}
        assert len(killed & PAIRS) == 1


def test_a_seed_stands_for_one_day() -> None:
    def names(seed: int) -> list[str]:
        return [trouble.name for trouble in chaos_of(seed)._troubles]

    assert names(7) == names(7)
    assert all(names(seed) != names(other) for seed, other in pairwise(SEEDS))


def test_trouble_without_kills_leaves_every_context_alive() -> None:
    troubles = chaos_of(1).troubles_without_kills()

    assert len({trouble.kind for trouble in troubles}) >= 10
    assert KILLED not in {trouble.kind for trouble in troubles}


def test_a_trouble_is_named_once() -> None:
    names = {trouble.name for trouble in chaos_of(1)._troubles}

    assert names >= {"redis killed", "redis latency", "ordering killed", "payments clock-jump"}


async def test_two_are_killed_at_once() -> None:
    running = StandIn(RedisProxy("redis://127.0.0.1:1"))
    (both,) = (trouble for trouble in chaos_of(1, running)._troubles if trouble.target in PAIRS)

    await both.make()

    assert running.told == [(context, signal.SIGKILL) for context in both.target.split(" and ")]


async def test_who_is_stopped_goes_on_whatever_happens() -> None:
    running = StandIn(RedisProxy("redis://127.0.0.1:1"))
    (stopped,) = (trouble for trouble in chaos_of(1, running)._troubles if trouble.kind == "stopped")

    making = asyncio.ensure_future(stopped.make())
    await asyncio.sleep(0.01)
    making.cancel()
    await asyncio.wait([making])

    assert running.told == [(stopped.target, signal.SIGSTOP), (stopped.target, signal.SIGCONT)]


async def test_customers_are_spread_over_all_troubles() -> None:
    chaos = chaos_of(1)
    arrived: list[float] = []

    async def arrive(share: float) -> None:
        await chaos.until(share)
        arrived.append(share)

    customers = [asyncio.create_task(arrive(share)) for share in (0.0, 0.5, 0.9)]
    seen = []
    for _ in chaos._troubles:
        chaos._begin_next()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(list(arrived))
    await asyncio.gather(*customers)

    assert seen[0] == [0.0]
    assert seen[len(seen) // 2] == [0.0, 0.5]
    assert seen[-1] == [0.0, 0.5, 0.9]


def test_chaos_wants_a_wire_to_cut() -> None:
    with pytest.raises(Failed, match="chaos needs a Redis of its own"):
        chaos_of(1, StandIn(proxy=None))
