"""`mallbots up`, from its start to its end."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mallbots.directories import CONTEXTS
from mallbots.liveness import left_running
from tests.support.mall import RunningMall, is_gone, mallbots, mallbots_here
from tests.support.world import eventually


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with started(tmp_path / "run") as mall:
        ready = mall.wait_until_ready()
        pids = [*mall.pids.values(), await mall.redis_pid()]

        begun = time.monotonic()
        code = mall.stop(signal.SIGTERM)
        seconds = time.monotonic() - begun

    assert ready["ready"] is True
    assert list(ready["services"]) == list(CONTEXTS)
    for at in ready["services"].values():
        assert at["grpc"].rpartition(":")[2].isdigit()
        assert at["metrics"].startswith("http://") and at["metrics"].endswith("/metrics")
    assert code == 0
    assert seconds < 10
    assert len(pids) == 7 and all(is_gone(pid) for pid in pids)


async def test_ctrl_c_pressed_twice_leaves_no_process(tmp_path: Path) -> None:
    with started(tmp_path / "run", "--only", "customers") as mall:
        mall.wait_until_ready()
        pids = [*mall.pids.values(), await mall.redis_pid()]

        mall.process.send_signal(signal.SIGINT)
        mall.process.send_signal(signal.SIGINT)
        code = mall.stop(signal.SIGINT)

    assert code in (0, -signal.SIGINT)
    assert all(is_gone(pid) for pid in pids)


async def test_a_terminal_that_closes_stops_everything(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with started(data, "--only", "customers,stores") as mall:
        await eventually((data / "logs" / "stores.log").exists, seconds=60)

        code = mall.stop(signal.SIGHUP)

    assert code == 0
    assert await left_running(data) == {}


def test_a_directory_serves_one_run_with_one_number_of_partitions(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with started(data, "--only", "stores") as mall:
        mall.wait_until_ready()
        second = mallbots_here("up", "--data", str(data))
    other = mallbots("up", "--only", "stores", "--data", str(data), environ={"MALLBOTS_PARTITIONS": "7"})

    assert "in use by another" in second.refusal
    assert other.refusal.startswith("stores did not start: ")
    assert "set it back to 4" in other.refusal


async def test_what_a_killed_run_left_is_named(tmp_path: Path) -> None:
    data = tmp_path / "run"
    with started(data, "--only", "customers") as mall:
        mall.wait_until_ready()
        pids = [mall.pids["customers"], await mall.redis_pid()]
        mall.process.kill()
        mall.process.wait(10)

        refusal = mallbots("up", "--data", str(data)).refusal

        for pid in pids:
            mall.end(pid)
    assert refusal.endswith(f"stop them with `kill {pids[0]} {pids[1]}`")
    assert await left_running(data) == {}


@contextmanager
def started(data: Path, *options: str) -> Iterator[RunningMall]:
    mall = RunningMall(data, *options)
    try:
        yield mall
    finally:
        mall.stop()
