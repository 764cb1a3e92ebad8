import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mallbots.directories import endpoints_directory, redis_address, redis_directory
from mallbots.liveness import is_running, is_serving, left_running, live_endpoints
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.endpoints import Endpoint, announce
from tests.support.world import World

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here to ask who is who")


@pytest.fixture
def stranger() -> Iterator[int]:
    """The id of a process that is no context."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def ordering(tmp_path: Path) -> Iterator[int]:
    """The id of a process that was started as the context is."""
    package = tmp_path / "pretended" / "contexts" / "ordering"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text("import time; time.sleep(600)")
    process = subprocess.Popen([sys.executable, "-m", "contexts.ordering"], cwd=package.parent.parent)
    deadline = time.monotonic() + 30
    while not is_running(process.pid, "ordering") and time.monotonic() < deadline:
        time.sleep(0.01)
    yield process.pid
    process.kill()
    process.wait()


def test_this_process_runs() -> None:
    assert is_running(os.getpid(), "ordering")


def test_a_process_that_ended_does_not_run() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert not is_running(ended.pid, "ordering")


@needs_proc
def test_an_id_may_be_somebody_elses_by_now(stranger: int) -> None:
    assert not is_running(stranger, "ordering")


@needs_proc
def test_a_context_is_known_by_its_module(ordering: int) -> None:
    assert is_running(ordering, "ordering")
    assert not is_running(ordering, "depot")
    assert not is_running(ordering, "order")


@needs_proc
def test_only_who_runs_has_an_endpoint(tmp_path: Path, stranger: int) -> None:
    announce(endpoints_directory(tmp_path), "ordering", endpoint(os.getpid()))
    announce(endpoints_directory(tmp_path), "depot", endpoint(stranger))

    assert live_endpoints(tmp_path) == {"ordering": endpoint(os.getpid())}
    assert live_endpoints(tmp_path / "nowhere") == {}


@needs_proc
async def test_a_context_and_redis_that_were_left_are_found(tmp_path: Path, ordering: int) -> None:
    server = EmbeddedRedis(redis_directory(tmp_path))
    server.start()
    try:
        redis_address(tmp_path).write_text(server.url)
        announce(endpoints_directory(tmp_path), "ordering", endpoint(ordering))

        assert await left_running(tmp_path) == {"ordering": ordering, "redis": server.pid}
    finally:
        server.stop()
    assert await left_running(tmp_path) == {"ordering": ordering}


async def test_redis_of_another_directory_is_not_ours(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    redis_directory(tmp_path).mkdir()
    redis_address(tmp_path).write_text(redis_server.url)

    assert await left_running(tmp_path) == {}


async def test_an_address_where_nobody_listens_does_not_serve() -> None:
    assert not await is_serving("127.0.0.1:1")


async def test_a_process_that_runs_serves(world: World) -> None:
    teller = await world.teller()

    assert await is_serving(teller.process.endpoint.grpc)


def endpoint(pid: int) -> Endpoint:
    return Endpoint("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", pid)
