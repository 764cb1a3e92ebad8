"""The real Prometheus with our configuration and rules, on a free port, scraping what it is told."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from dashboards.files import GENERATED
from dashboards.prometheus import MISSING, PROGRAM, Prometheus, free_address, running_prometheus
from tests.telemetry_config.configurations import CONFIG

needs_prometheus = pytest.mark.skipif(not PROGRAM, reason=MISSING)


@contextlib.contextmanager
def scraping_prometheus(folder: Path, contexts: Mapping[str, str]) -> Iterator[Prometheus]:
    """`contexts` are the addresses of their metrics. It watches itself as well."""
    address = free_address()
    config = lay_out(folder, contexts, address)
    with running_prometheus(folder, config, address, "--storage.tsdb.retention.time=1h") as prometheus:
        yield prometheus


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
