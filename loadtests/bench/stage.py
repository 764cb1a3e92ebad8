"""What every run stands on: Redis and the receiver of spans, each on its core, and an empty place for data."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from redis import Redis

from loadtests.bench.cores import Cores, pin, share_out
from mallbots_platform.embedded_redis import EmbeddedRedis

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Receiver:
    """The process that counts spans, seen from here."""

    endpoint: str

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(self.endpoint, timeout=30) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts

    def clear(self) -> None:
        urllib.request.urlopen(urllib.request.Request(self.endpoint, method="DELETE"), timeout=30).close()


class Stage:
    def __init__(self, directory: Path, redis: EmbeddedRedis, client: Redis, receiver: Receiver, cores: Cores) -> None:
        self.directory = directory
        self.redis = redis
        self.client = client
        self.receiver = receiver
        self.cores = cores
        self._numbers = count(1)

    @property
    def telemetry(self) -> dict[str, str]:
        """What makes a process export its spans to the receiver."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.endpoint}

    def empty(self) -> Path:
        """Nothing in Redis, nothing counted, and a new directory for databases."""
        self.client.flushall()
        self.receiver.clear()
        place = self.directory / f"run-{next(self._numbers)}"
        place.mkdir()
        return place


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    """Everything is stopped and removed afterwards."""
    cores = share_out(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores.others)
    directory = Path(tempfile.mkdtemp(prefix="mallbots-bench-"))
    redis = EmbeddedRedis(directory / "redis")
    try:
        redis.start()
        pin(redis.pid, cores.measured)
        with _receiver() as receiver, Redis.from_url(redis.url) as client:
            yield Stage(directory, redis, client, receiver, cores)
    finally:
        redis.stop()
        shutil.rmtree(directory, ignore_errors=True)
        os.sched_setaffinity(0, {*cores.measured, *cores.others})


@contextlib.contextmanager
def _receiver() -> Iterator[Receiver]:
    command = [sys.executable, "-m", "loadtests.bench.receiver"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.terminate()
