import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mallbots import supervisor as supervising
from mallbots.directories import redis_address
from mallbots.liveness import is_serving
from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor, supervised
from mallbots.undisturbed import undisturbed
from tests.support.mall import is_gone
from tests.support.world import eventually

START_SECONDS = 90.0


@pytest.fixture(autouse=True)
def undirected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, a run has a database and a Redis of its own."""
    for variable in [name for name in os.environ if name.startswith(("MALLBOTS_", "OTEL_"))]:
        monkeypatch.delenv(variable)


async def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with supervised(tmp_path, ["customers"], report=said.append) as running:
        before = running.endpoints["customers"]
        os.kill(before.pid, signal.SIGKILL)

        async def is_back() -> bool:
            return len(said) == 2 and running.endpoints["customers"].pid != before.pid and await is_serving(before.grpc)

        await eventually(is_back, START_SECONDS)
        after = running.endpoints["customers"]

    assert (after.grpc, after.operator, after.metrics) == (before.grpc, before.operator, before.metrics)
    assert said == ["customers ended (signal 9); starting it again in 0.1 s", "customers is back"]
    assert is_gone(before.pid) and is_gone(after.pid)


async def test_all_that_die_at_once_are_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with supervised(tmp_path, ["customers", "stores"], report=said.append) as running:
        before = running.endpoints
        running.kill_all()

        async def are_back() -> bool:
            after = running.endpoints
            started = [after[context] for context in after if after[context].pid != before[context].pid]
            return len(started) == 2 and len(said) == 4 and all([await is_serving(each.grpc) for each in started])

        await eventually(are_back, START_SECONDS)

    assert sorted(said) == [
        f"{context} {what}"
        for context in ("customers", "stores")
        for what in ("ended (signal 9); starting it again in 0.1 s", "is back")
    ]
    assert all(is_gone(endpoint.pid) for endpoint in before.values())


async def test_redis_that_dies_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with redis_alone(tmp_path, said) as running:
        redis = running.redis.server
        assert redis
        pid, url = redis.pid, running.redis.url
        os.kill(pid, signal.SIGKILL)

        await eventually(lambda: redis.is_alive and redis.pid != pid, START_SECONDS)

        assert running.redis.url == url == redis_address(tmp_path).read_text()
    assert said == ["redis ended; starting it again"]


async def test_a_directory_is_taken_by_one_at_a_time(tmp_path: Path) -> None:
    async with redis_alone(tmp_path):
        with pytest.raises(Failed, match="in use by another `mallbots up` or `demo`"):
            async with redis_alone(tmp_path):
                pass

    async with redis_alone(tmp_path):
        assert redis_address(tmp_path).exists()


async def test_who_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    running = Supervisor(tmp_path, ["stores"], {"MALLBOTS_PARTITIONS": "many"}, lambda text: None)

    with pytest.raises(Failed, match="stores did not start: MALLBOTS_PARTITIONS is 'many', must be a number"):
        try:
            await running.start()
        finally:
            pids = [process.pid for process in running._processes.values()]
            await running.stop()

    assert pids and all(is_gone(pid) for pid in pids)
    assert running.redis.server and not running.redis.server.is_alive


async def test_processes_are_told_what_was_started_beside_them(tmp_path: Path) -> None:
    asked: list[str] = []

    async def beside(redis_url: str) -> dict[str, str]:
        asked.append(redis_url)
        return {"MALLBOTS_PARTITIONS": "many"}

    with pytest.raises(Failed, match="MALLBOTS_PARTITIONS is 'many'"):
        async with supervised(tmp_path, ["stores"], beside=beside):
            pass

    assert asked == [redis_address(tmp_path).read_text()]


async def test_who_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "START_SECONDS", 0.0)

    with pytest.raises(Failed, match=r"stores is not serving after 0 s: see .*stores\.log"):
        async with supervised(tmp_path, ["stores"]):
            pass


async def test_an_interrupted_start_stops_what_it_began(tmp_path: Path) -> None:
    running = Supervisor(tmp_path, ["stores", "customers"], {}, lambda text: None)

    async def start() -> None:
        try:
            await running.start()
        finally:
            await undisturbed(running.stop())

    starting = asyncio.create_task(start())
    await eventually(lambda: len(running._processes) == 2, START_SECONDS)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert all(is_gone(process.pid) for process in running._processes.values())
    assert running.redis.server and not running.redis.server.is_alive


async def test_a_fork_server_that_is_stopped_holds_up_no_end(tmp_path: Path) -> None:
    async with supervised(tmp_path, ["customers"]) as running:
        pid = running.endpoints["customers"].pid
        server = running._launcher._server
        assert server
        server.send_signal(signal.SIGSTOP)

    assert is_gone(pid)


async def test_what_must_not_be_disturbed_comes_to_its_end() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(True)

    doing = asyncio.create_task(undisturbed(work()))
    await asyncio.sleep(0)
    doing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await doing
    assert done == [True]


def test_a_report_that_nobody_reads_stops_no_keeper(tmp_path: Path) -> None:
    told = []

    def fail(text: str) -> None:
        told.append(text)
        raise BrokenPipeError

    Supervisor(tmp_path, [], {}, fail)._say("customers ended")

    assert told == ["customers ended"]


@asynccontextmanager
async def redis_alone(data: Path, said: list[str] | None = None) -> AsyncIterator[Supervisor]:
    async with supervised(data, [], report=(said if said is not None else []).append) as running:
        yield running
