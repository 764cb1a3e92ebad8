"""The real Collector with our configuration: on free ports, and with a receiver of OTLP in Jaeger's place."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.prometheus import free_address
from mallbots.observe.collector import COLLECTOR, unknown_to, without
from telemetry.testing import OtlpReceiver
from tests.telemetry_config.configurations import collector

MISSING = f"no Collector is to be found ({', '.join(COLLECTOR.executables)}): docs/observability.md says how to get one"
# What they would ask is not there in a test.
ABSENT = frozenset({"redis", "postgresql", "file_log", "otlp_http/loki"})
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    otlp: str
    metrics: str
    kept: OtlpReceiver

    def send(self, *spans: Mapping[str, Any]) -> None:
        """As the OTLP specification writes them in JSON."""
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "ordering"}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.otlp}/v1/traces", json.dumps(body).encode(), headers)
        urllib.request.urlopen(request, timeout=20).close()

    def measured(self) -> str:
        request = urllib.request.Request(
            f"http://{self.metrics}/metrics", headers={"Accept": "application/openmetrics-text"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def running_collector(folder: Path, *files: str) -> Iterator[Running]:
    program = next(filter(None, map(shutil.which, COLLECTOR.executables)), None)
    if program is None:
        pytest.skip(MISSING)
    health, otlp, metrics = (free_address() for _ in range(3))
    with OtlpReceiver() as kept:
        whole = collector(*files)
        config = without(whole, ABSENT | unknown_to(program, whole))
        path = folder / "collector.yaml"
        path.write_text(yaml.safe_dump(_placed(config, health, otlp, metrics, kept.endpoint)))
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [program, "--config", str(path)],
                stdout=said,
                stderr=said,
                env=os.environ | {"TAIL_SAMPLING_WAIT": "2s"},
            )
            try:
                _await_health(process, health, folder / "said")
                yield Running(otlp, metrics, kept)
            finally:
                process.terminate()
                process.wait(30)


def _placed(config: dict[str, Any], health: str, otlp: str, metrics: str, kept: str) -> dict[str, Any]:
    config["extensions"]["health_check"]["endpoint"] = health
    config["receivers"]["otlp"]["protocols"] = {"http": {"endpoint": otlp}}
    config["exporters"]["prometheus/spans"]["endpoint"] = metrics
    config["service"]["telemetry"]["metrics"] = {"level": "none"}
    config["exporters"]["otlp_http/jaeger"] = {"endpoint": kept, "compression": "none"}
    config["service"]["pipelines"]["traces/kept"]["exporters"] = ["otlp_http/jaeger"]
    del config["exporters"]["otlp_grpc/jaeger"]
    return config


def _await_health(process: subprocess.Popen[bytes], health: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://{health}/", timeout=5).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"the Collector did not start: {said.read_text()[-2000:]}")
