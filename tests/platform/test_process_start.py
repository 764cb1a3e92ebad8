"""`python -m contexts.stores`, as anybody starts it: what it refuses, what it says then, and how it leaves. And what
a process does before it runs."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import redis

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.process import open_process
from tests.support.world import TELLER, Said, World, redis_client

DEADLINE_SECONDS = 60.0
LEAVES_WITHIN_SECONDS = 20.0  # ten, and as much again for a machine that does ten other things
PACKAGE = Path(__file__).parents[2]


def environment(directory: Path, server: EmbeddedRedis) -> dict[str, str]:
    """All that a process needs, and nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PACKAGE}{os.pathsep}{PACKAGE / 'platform'}",
        "MALLBOTS_DATABASE_URL": f"sqlite:///{directory}/{{context}}.db",
        "MALLBOTS_REDIS_URL": server.url,
    }


def refusal(environ: Mapping[str, str]) -> str:
    """What it says on its way out; nothing else is written, and nothing is served."""
    ended = subprocess.run(
        [sys.executable, "-m", "contexts.stores"],
        env=environ,
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert ended.returncode == 1
    assert "process started" not in ended.stdout
    told = [line for line in ended.stderr.splitlines() if "add_port.cc" not in line]  # gRPC's own words
    assert len(told) == 1, ended.stderr
    return told[0]


class Started:
    """A process that serves; `addresses` are those that it has logged."""

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        self.running = running
        self.lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.addresses = self.line("process started")

    def line(self, event: str) -> dict[str, Any]:
        """The first line that tells of it."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            told: dict[str, Any] = json.loads(self.lines.get(timeout=DEADLINE_SECONDS))
            if told["event"] == event:
                return told
        raise AssertionError(f"it never said {event}")

    def leave(self, number: signal.Signals) -> tuple[int, float]:
        """Its exit code, and how long it took."""
        asked_at = time.monotonic()
        self.running.send_signal(number)
        return self.running.wait(DEADLINE_SECONDS), time.monotonic() - asked_at

    def _read(self) -> None:
        assert self.running.stdout is not None
        for line in self.running.stdout:
            self.lines.put(line)


@contextmanager
def started(environ: Mapping[str, str]) -> Iterator[Started]:
    command = [sys.executable, "-m", "contexts.stores"]
    with subprocess.Popen(command, env=environ, cwd=PACKAGE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield Started(running)
        finally:
            running.kill()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("PARTITIONS", "four", "MALLBOTS_PARTITIONS is 'four', must be a number"),
        ("DATABASE_URL", "mysql://mall@host/stores", "mysql is not supported: use sqlite or postgresql"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    tmp_path: Path, redis_server: EmbeddedRedis, name: str, text: str, told: str
) -> None:
    environ = environment(tmp_path, redis_server) | {f"MALLBOTS_{name}": text}

    assert refusal(environ) == f"stores cannot start: {told}"
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("GRPC_ADDRESS", "cannot listen on {}: it is in use, or no address of this machine"),
        ("METRICS_ADDRESS", "metrics cannot be served on {}: Address already in use"),
    ],
)
def test_an_address_in_use_is_refused(tmp_path: Path, redis_server: EmbeddedRedis, name: str, refused: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        told = refusal(environment(tmp_path, redis_server) | {f"MALLBOTS_{name}": address})

    assert told == f"stores cannot start: {refused.format(address)}"


def test_a_database_that_does_not_answer_is_told_in_one_line(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/stores.db"

    told = refusal(environment(tmp_path, redis_server) | {"MALLBOTS_DATABASE_URL": url})

    assert told.startswith("stores cannot start: the database does not answer: ")


def test_a_redis_that_evicts_is_refused(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    try:
        with redis.Redis(port=server.port) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")

        told = refusal(environment(tmp_path, server))
    finally:
        server.stop()

    assert told == "stores cannot start: Redis evicts data (allkeys-lru): set maxmemory-policy to noeviction"


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("wrong", "WRONGPASS invalid username-password pair or user is disabled: correct user and password in"),
        ("", "NOAUTH Authentication required: it wants a password: write it into"),
    ],
)
def test_a_redis_that_does_not_let_it_in_is_told_in_one_line(tmp_path: Path, password: str, told: str) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    try:
        with redis.Redis(port=server.port) as client:
            client.config_set("requirepass", "right")

        given = server.url.replace("redis://", f"redis://:{password}@")
        refused = refusal(environment(tmp_path, server) | {"MALLBOTS_REDIS_URL": given})
    finally:
        server.stop()

    assert refused.startswith(f"stores cannot start: Redis refuses this process: {told}")
    assert refused.endswith(" MALLBOTS_REDIS_URL")


def test_it_leaves_when_told_to_and_keeps_its_partitions(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    environ = environment(tmp_path, redis_server) | {"MALLBOTS_PARTITIONS": "4"}
    with started(environ) as process:
        host, _, port = process.addresses["grpc"].rpartition(":")
        socket.create_connection((host, int(port)), 10).close()

        code, seconds = process.leave(signal.SIGTERM)

    assert code == 0
    assert seconds < LEAVES_WITHIN_SECONDS
    told = refusal(environ | {"MALLBOTS_PARTITIONS": "8"})
    assert told == (
        "stores cannot start: this database was made with partitions 4, the settings say 8:"
        " set it back to 4, or start with an empty database"
    )


def test_it_leaves_in_time_though_redis_is_away(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    try:
        with started(environment(tmp_path, server)) as process:
            server.kill()

            code, seconds = process.leave(signal.SIGINT)
    finally:
        server.stop()

    assert code == 0
    assert seconds < LEAVES_WITHIN_SECONDS


async def test_what_is_said_before_it_runs_is_published_once_it_does(world: World) -> None:
    async with world, redis_client(world.redis) as client:
        listener = await world.listener()
        async with open_process(TELLER, world.settings_of("teller")) as process:
            await process.start()
            await process.change(lambda: process.outbox.record(Said(text="early"), key="k"))
            assert not any([await client.xlen(key) for key in await client.keys("*.teller.*:events")])

            running = asyncio.create_task(process.run())
            await listener.hears("early")
            process.stop()
            await running
