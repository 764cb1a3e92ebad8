"""A real Prometheus on a free port, and what it answers."""

import contextlib
import json
import math
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

PROGRAM = shutil.which("prometheus")
MISSING = "prometheus is not to be found: for Debian it is the package `prometheus`"
SUSPICIOUS_SECONDS = 0.3
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 30.0, 20.0, 60.0
NOT_GIVEN_OUT = (15_000, 32_000)  # kernels give out those from 32,768 on
T = TypeVar("T")


class Refused(Exception):
    """Prometheus did not start, did not answer, or has something against what it was asked; says what."""


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


class Course(NamedTuple):
    """A series over time: pairs of the time in seconds and the value."""

    labels: dict[str, str]
    points: list[tuple[float, float]]

    @property
    def times(self) -> set[float]:
        """At which it had a value that is a number."""
        return {at for at, value in self.points if not math.isnan(value)}


@dataclass(frozen=True, slots=True)
class Prometheus:
    """`address` is host and port. What it is asked for raises Refused."""

    address: str

    def ask(self, expr: str) -> list[Sample]:
        """What a query comes to now."""
        answer = self._get("query", query=expr)
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in answer["result"]]

    def ask_over(self, expr: str, since: float, until: float, step: float) -> list[Course]:
        """What each series that a query comes to has been, at every `step` at which it had a value."""
        answer = self._get("query_range", query=expr, start=f"{since:.3f}", end=f"{until:.3f}", step=f"{step:g}")
        return [
            Course(each["metric"], [(float(at), float(value)) for at, value in each["values"]])
            for each in answer["result"]
        ]

    def firing(self) -> list[dict[str, str]]:
        """The labels of each alert that fires."""
        return [each["labels"] for each in self._get("alerts")["alerts"] if each["state"] == "firing"]

    def answer(self, what: str, **parameters: str) -> bytes:
        """As it comes, JSON. `what` is `query`, `query_range` or another of its API."""
        url = f"http://{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise Refused(f"{parameters}: {error.read().decode()}") from None
        except OSError as error:
            raise Refused(f"{parameters}: {error}") from error

    def _get(self, what: str, **parameters: str) -> Any:
        return json.loads(self.answer(what, **parameters))["data"]


def least_seconds(ask: Callable[[], T], times: int) -> tuple[T, float]:
    """The first answer, and how long one took: where that is suspicious, the least of so many `times`, for it may be
    the query, or a machine that is busy with something else."""
    answer, seconds = _timed(ask)
    if seconds > SUSPICIOUS_SECONDS:
        seconds = min(seconds, *(_timed(ask)[1] for _ in range(times - 1)))
    return answer, seconds


def _timed(ask: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    return ask(), time.perf_counter() - begun


@contextlib.contextmanager
def running_prometheus(
    folder: Path, config: Path, address: str, *options: str, before: Callable[[], None] | None = None
) -> Iterator[Prometheus]:
    """Its data and what it says are in `folder`. `before` is called in the new process, before it is Prometheus."""
    assert PROGRAM, MISSING
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [
                *(PROGRAM, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
                *(f"--web.listen-address={address}", "--log.level=warn", *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=before,
        )
        try:
            _await_readiness(process, address, folder / "said")
            yield Prometheus(address)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_address() -> str:
    """On a port that nobody is given who asks for any one, so that it is still free when it is wanted."""
    while True:
        port = random.SystemRandom().randrange(*NOT_GIVEN_OUT)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return f"127.0.0.1:{port}"


def _await_readiness(process: subprocess.Popen[bytes], address: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
            return
        time.sleep(0.05)
    raise Refused(f"Prometheus did not start: {said.read_text()[-2000:]}")
