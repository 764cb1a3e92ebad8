import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mallbots import launching
from mallbots.directories import CONTEXTS
from mallbots.launching import Forked, ForkServer, Launcher, source_roots
from mallbots.liveness import is_running
from tests.support.mall import environment, is_gone
from tests.support.world import eventually

START_SECONDS = 60.0
WRONG = "customers cannot start: MALLBOTS_PARTITIONS is 'many', must be a number"
DRAW_LOTS = """
import os, random
from mallbots.directories import CONTEXTS
from mallbots.fork_server import can_fork, import_all
from mallbots_platform.ids import new_id
import_all(CONTEXTS)
assert can_fork()
for _ in range(2):
    if not os.fork():
        print(random.getrandbits(128), new_id()[-12:])
        break
    os.wait()
"""


async def test_a_fork_is_to_its_log_to_its_parent_and_to_ps_what_a_process_of_its_own_is(tmp_path: Path) -> None:
    async with launcher(tmp_path) as starting:
        forked = await starting.launch("customers", serving(tmp_path), tmp_path / "log")
        await until_said("process started", tmp_path / "log")

        assert isinstance(forked, Forked)
        assert is_running(forked.pid, "customers") and not is_running(forked.pid, "stores")
        assert os.getsid(forked.pid) == forked.pid
        assert Path(f"/proc/{forked.pid}/fd/0").samefile(os.devnull)

        forked.send_signal(signal.SIGTERM)
        assert await forked.wait() == forked.returncode == 0
        assert is_gone(forked.pid)

    assert "process stopped" in (tmp_path / "log").read_text()


async def test_forks_do_not_know_one_another(tmp_path: Path) -> None:
    async with launcher(tmp_path) as starting:
        first = await starting.launch("customers", serving(tmp_path / "first"), tmp_path / "first.log")
        second = await starting.launch("customers", serving(tmp_path / "second"), tmp_path / "second.log")
        await until_said("process started", tmp_path / "second.log")

        assert [target for target in open_files(second.pid) if "pidfd" in target] == []
        first.kill()
        assert await first.wait() == -signal.SIGKILL
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0


async def test_a_fork_that_cannot_start_says_why_in_its_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("what an earlier process said\n")
    async with launcher(tmp_path) as starting:
        forked = await starting.launch("customers", environment(MALLBOTS_PARTITIONS="many"), tmp_path / "log")

        assert await forked.wait() == 1

    assert (tmp_path / "log").read_text().splitlines() == ["what an earlier process said", WRONG]


async def test_with_its_server_a_fork_ends_and_the_next_has_another(tmp_path: Path) -> None:
    async with launcher(tmp_path) as starting:
        first = await starting.launch("customers", serving(tmp_path), tmp_path / "log")
        assert starting._server
        os.kill(starting._server._process.pid, signal.SIGKILL)

        assert await first.wait() == -signal.SIGKILL
        await eventually(lambda: is_gone(first.pid), START_SECONDS)
        second = await starting.launch("customers", serving(tmp_path), tmp_path / "log")

        assert isinstance(second, Forked) and second.returncode is None


async def test_what_has_not_ended_is_killed_in_the_end(tmp_path: Path) -> None:
    async with launcher(tmp_path) as starting:
        forked = await starting.launch("customers", serving(tmp_path), tmp_path / "log")

    assert forked.returncode == -signal.SIGKILL
    await eventually(lambda: is_gone(forked.pid), START_SECONDS)


async def test_what_cannot_be_imported_says_so_in_its_own_log(tmp_path: Path) -> None:
    async with launcher(tmp_path, "nowhere", "customers") as starting:
        nowhere = await starting.launch("nowhere", environment(), tmp_path / "nowhere.log")
        customers = await starting.launch("customers", environment(MALLBOTS_PARTITIONS="many"), tmp_path / "log")

        assert await nowhere.wait() == await customers.wait() == 1

    assert "No module named contexts.nowhere" in (tmp_path / "nowhere.log").read_text()
    assert (tmp_path / "log").read_text().splitlines() == [WRONG]


async def test_a_server_that_dies_before_it_is_ready_is_done_without_this_once(tmp_path: Path) -> None:
    async with launcher(tmp_path) as starting:
        launching = asyncio.ensure_future(
            starting.launch("customers", environment(MALLBOTS_PARTITIONS="many"), tmp_path / "log")
        )
        await eventually(lambda: starting._server, START_SECONDS)
        starting.kill()
        process = await launching
        assert not isinstance(process, Forked) and await process.wait() == 1

        assert isinstance(await starting.launch("customers", serving(tmp_path), tmp_path / "log"), Forked)


@pytest.mark.parametrize(
    "hindrance", ["import threading; threading.Timer(60, print).start()", "import os; del os.pidfd_open"]
)
async def test_where_forks_are_not_safe_a_process_starts_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"{hindrance}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async with launcher(tmp_path) as starting:
        for _ in range(2):
            process = await starting.launch("customers", environment(MALLBOTS_PARTITIONS="many"), tmp_path / "log")
            assert not isinstance(process, Forked) and await process.wait() == 1

    assert (tmp_path / "log").read_text().splitlines() == [WRONG] * 2


async def test_a_fork_that_ends_before_its_parent_looks_is_not_missed(tmp_path: Path) -> None:
    async with server_that_answers({"pid": 17}, {"pid": 17, "code": 1}) as server:
        forked = await server.fork("customers", {}, tmp_path / "log")

        assert (forked.pid, await forked.wait()) == (17, 1)


async def test_a_server_that_cannot_fork_says_why(tmp_path: Path) -> None:
    async with server_that_answers({"error": "out of memory"}) as server:
        with pytest.raises(OSError, match="out of memory"):
            await server.fork("customers", {}, tmp_path / "log")


async def test_a_server_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "ANSWER_SECONDS", 0.05)
    async with server_that_answers() as server:
        with pytest.raises(OSError, match=r"the fork server has not answered for 0\.05 s"):
            await server.fork("customers", {}, tmp_path / "log")

        assert await server._process.wait() == -signal.SIGKILL


def test_forks_draw_different_lots() -> None:
    """Their ids of traces, spans and messages would be the same else."""
    ran = subprocess.run(
        [sys.executable, "-c", DRAW_LOTS], env=environment(), capture_output=True, text=True, check=True
    )

    first, second = (line.split() for line in ran.stdout.splitlines())
    assert first[0] != second[0] and first[1] != second[1]


def test_processes_import_what_this_one_does() -> None:
    roots = [Path(root) for root in source_roots()]

    assert any((root / "mallbots" / "launching.py").exists() for root in roots)
    assert all(any((root / "contexts" / context / "__main__.py").exists() for root in roots) for context in CONTEXTS)


@asynccontextmanager
async def launcher(folder: Path, *contexts: str) -> AsyncIterator[Launcher]:
    starting = Launcher(contexts or ["customers"], folder / "fork-server.log")
    try:
        yield starting
    finally:
        await starting.close()


@asynccontextmanager
async def server_that_answers(*answers: dict[str, object]) -> AsyncIterator[ForkServer]:
    """To a request with all of them at once; a process that knows nothing of it stands for the server's."""
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec("sleep", "60")
    server = ForkServer(process, *await asyncio.open_connection(sock=ours))
    theirs.sendall("".join(f"{json.dumps(answer)}\n" for answer in answers).encode())
    try:
        yield server
    finally:
        theirs.close()
        server.send_signal(signal.SIGKILL)
        await server.close()


async def until_said(text: str, log: Path) -> None:
    await eventually(lambda: log.exists() and text in log.read_text(), START_SECONDS)


def serving(folder: Path) -> Mapping[str, str]:
    """What a process needs to be told; there is no Redis, which it waits for."""
    folder.mkdir(exist_ok=True)
    return environment(
        MALLBOTS_DATABASE_URL=f"sqlite:///{folder / 'customers'}.db", MALLBOTS_REDIS_URL="redis://127.0.0.1:1"
    )


def open_files(pid: int) -> list[str]:
    """Its files, sockets and other handles; those that it closes meanwhile may be missing."""
    found = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(handle))
    return found
