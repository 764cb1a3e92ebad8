import asyncio
import os
from pathlib import Path

from loadtests.watch import Cost, Watch
from mallbots.directories import endpoints_directory, redis_address
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.endpoints import Endpoint, announce


def test_only_what_is_spent_under_watch_counts() -> None:
    cost = Cost()

    cost.note(process=7, cpu_seconds=100.0, memory_bytes=5)
    cost.note(process=7, cpu_seconds=101.5, memory_bytes=6)

    assert (cost.cpu_seconds, cost.memory_bytes) == (1.5, 6)


def test_a_process_started_again_counts_whole() -> None:
    cost = Cost()
    cost.note(process=7, cpu_seconds=100.0, memory_bytes=5)

    cost.note(process=8, cpu_seconds=2.0, memory_bytes=3)

    assert (cost.cpu_seconds, cost.memory_bytes) == (2.0, 3)


async def test_every_process_of_the_mall_is_watched(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    announce(endpoints_directory(tmp_path), "ordering", Endpoint("127.0.0.1:1", "127.0.0.1:2", "", os.getpid()))
    redis_address(tmp_path).write_text(redis_server.url)
    watch = Watch(tmp_path)

    await watch.look()
    await asyncio.to_thread(lambda: sum(range(3_000_000)))
    await watch.look()

    assert set(watch.costs) == {"ordering", "redis"}
    assert watch.costs["ordering"].cpu_seconds > 0
    assert watch.moments[-1].memory_bytes > 10 << 20


async def test_what_is_away_costs_nothing(tmp_path: Path) -> None:
    announce(endpoints_directory(tmp_path), "ordering", Endpoint("127.0.0.1:1", "127.0.0.1:2", "", 0))
    redis_address(tmp_path).write_text("redis://127.0.0.1:1")
    watch = Watch(tmp_path)

    await watch.look()

    assert watch.cpu_seconds == 0
    assert len(watch.moments) == 1
