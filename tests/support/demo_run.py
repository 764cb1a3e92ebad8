"""One `mallbots demo`, watched from outside: what it exports, measures and logs, and what its journal holds."""

import asyncio
import fcntl
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mallbots.directories import endpoints_directory
from mallbots.launching import source_roots
from mallbots.operators import open_operators
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.endpoints import read_endpoints
from telemetry.testing import OtlpReceiver, ReceivedSpan

ORDERS, SEED = 20, 3
LONGEST = 240.0
SCRAPE_SECONDS = 0.3
Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]


@dataclass(slots=True)
class DemoRun:
    """`exported` are the requests in which spans came; `measured` has the highest value that each sample ever had;
    `requests` are what began outside, by id."""

    data: Path
    code: int = -1
    report: dict[str, Any] = field(default_factory=dict)
    spans: list[ReceivedSpan] = field(default_factory=list)
    exported: list[bytes] = field(default_factory=list)
    measured: Samples = field(default_factory=dict)
    messages: dict[str, pb.LogEntry] = field(default_factory=dict)
    deliveries: list[pb.Delivery] = field(default_factory=list)
    requests: dict[str, pb.Request] = field(default_factory=dict)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Of all logs."""
        logs = sorted((self.data / "logs").glob("*.log"))
        return [json.loads(line) for log in logs for line in log.read_text().splitlines()]

    @property
    def customers(self) -> set[str]:
        """Names and telephone numbers."""
        with closing(sqlite3.connect(self.data / "customers.db")) as database:
            rows = database.execute("SELECT name, sms_number FROM customers").fetchall()
        return {datum for row in rows for datum in row if datum}

    def value(self, name: str, **labels: str) -> float:
        """Summed over all processes."""
        samples = [(dict(each), value) for (sample, each), value in self.measured.items() if sample == name]
        return sum(value for each, value in samples if labels.items() <= each.items())


def demo_run(place: pytest.TempPathFactory) -> DemoRun:
    """The same one for all tests, also for those of other workers."""
    base = place.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = shared / "demo.pickle"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_play(shared / "demo")))
        run: DemoRun = pickle.loads(kept.read_bytes())
        return run


def _play(data: Path) -> DemoRun:
    run = DemoRun(data)
    with OtlpReceiver() as receiver, _scraped(run):
        run.code, said = _demo(data, receiver.endpoint)
        run.spans = receiver.spans
        run.exported = [request.SerializeToString() for request in receiver.requests]
    run.report = json.loads(said.splitlines()[-1]) if run.code == 0 else {"said": said}
    asyncio.run(_read_journal(run))
    return run


def _demo(data: Path, endpoint: str) -> tuple[int, str]:
    """Its exit code, and what it prints. Stopped as a person would, so that it stops its processes, if it hangs."""
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "PYTHONPATH": os.pathsep.join(source_roots())}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MALLBOTS_", "OTEL_"))}
    wanted = ("--orders", str(ORDERS), "--seed", str(SEED), "--json", "--data", str(data))
    command = (sys.executable, "-m", "mallbots", "demo", *wanted)
    with (data.parent / "demo.log").open("w+") as log:
        running = subprocess.Popen(
            command, env=kept | ours, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
        try:
            said, _ = running.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
            said, _ = running.communicate()
        log.seek(0)
        return running.returncode, said.decode() if running.returncode == 0 else said.decode() + log.read()


async def _read_journal(run: DemoRun) -> None:
    async with open_operators(run.data) as operators:
        for context in operators.contexts:
            run.messages |= {entry.message_id: entry for entry in await operators.whole_log(context)}
            run.deliveries += await operators.all_deliveries(context)
        causes = {message.causation_id for message in run.messages.values()} - run.messages.keys()
        run.requests = {request.id: request for request in await operators.requests(causes)}


@contextmanager
def _scraped(run: DemoRun) -> Iterator[None]:
    """Every process' metrics, every now and then, as Prometheus would."""
    done = threading.Event()

    def scrape() -> None:
        while not done.wait(SCRAPE_SECONDS):
            for endpoint in read_endpoints(endpoints_directory(run.data)).values():
                with suppress(URLError, OSError):
                    note_metrics(run.measured, endpoint.metrics)

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def note_metrics(measured: Samples, address: str) -> None:
    """Each sample with its highest value so far."""
    with urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            place = (sample.name, tuple(sorted(sample.labels.items())))
            measured[place] = max(sample.value, measured.get(place, 0.0))
