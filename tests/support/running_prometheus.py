"""The real Prometheus with our configuration and rules, on a free port, scraping what it is told."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from dashboards.files import GENERATED
from tests.telemetry_config.configurations import CONFIG

PROGRAM = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    not PROGRAM, reason="prometheus is not to be found: for Debian it is the package `prometheus`"
)
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 30.0, 20.0, 20.0


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """`address` is host and port."""

    address: str

    def ask(self, expr: str) -> list[Sample]:
        """What a query comes to now. Raises AssertionError with what Prometheus has against it."""
        answer = self._get("query", query=expr)
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in answer["result"]]

    def ask_over(self, expr: str, since: float, until: float, step: float) -> list[set[float]]:
        """At which times each series that a query comes to has a value."""
        answer = self._get("query_range", query=expr, start=f"{since:.3f}", end=f"{until:.3f}", step=f"{step:g}")
        return [{float(at) for at, value in each["values"] if value != "NaN"} for each in answer["result"]]

    def firing(self) -> list[dict[str, str]]:
        """The labels of each alert that fires."""
        return [each["labels"] for each in self._get("alerts")["alerts"] if each["state"] == "firing"]

    def _get(self, what: str, **parameters: str) -> Any:
        url = f"http://{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None


@contextlib.contextmanager
def running_prometheus(folder: Path, contexts: Mapping[str, str]) -> Iterator[Prometheus]:
    """`contexts` are the addresses of their metrics. It watches itself as well."""
    assert PROGRAM
    address = _free_address()
    config = lay_out(folder, contexts, address)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [
                *(PROGRAM, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
                *(f"--web.listen-address={address}", "--log.level=warn", "--storage.tsdb.retention.time=1h"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
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


def lay_out(folder: Path, contexts: Mapping[str, str], address: str) -> Path:
    """As Prometheus finds it in its container, with other targets; the configuration's path."""
    for name in ("rules", "targets"):
        (folder / name).mkdir(parents=True)
    shutil.copy(CONFIG / "prometheus.yml", folder)
    for path in GENERATED.glob("*.rules.yml"):
        shutil.copy(path, folder / "rules")
    scraped = [{"targets": [at], "labels": {"context": context}} for context, at in contexts.items()]
    itself = [{"targets": [address], "labels": {"job": "prometheus"}}]
    for name, targets in (("mallbots", scraped), ("back-ends", itself), ("alertmanager", [])):
        (folder / "targets" / f"{name}.yml").write_text(yaml.safe_dump(targets))
    return folder / "prometheus.yml"


def _await_readiness(process: subprocess.Popen[bytes], address: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"Prometheus did not start: {said.read_text()[-2000:]}")


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
