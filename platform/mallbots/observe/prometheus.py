"""Prometheus asks the mall's processes and the other programs; its targets are files that it watches."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from mallbots.observe.program import Launch, Program
from mallbots.observe.site import Site, config_file, dashboards

# By what listens, the job whose metrics it has.
BACK_ENDS = {
    "collector.metrics": "collector",
    "collector.spans": "spans",
    "collector.stores": "stores",
    "jaeger.metrics": "jaeger",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "loki": "loki",
}
Targets = list[dict[str, object]]


def prepare(site: Site) -> Launch:
    folder = site.folder("prometheus")
    shutil.copy(config_file("prometheus.yml"), folder)
    (folder / "rules").mkdir(exist_ok=True)
    for rules in (dashboards() / "generated").glob("*.rules.yml"):
        shutil.copy(rules, folder / "rules")
    write_targets(site, {})
    return Launch(
        (
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=2d",
            "--enable-feature=exemplar-storage",
            f"--web.listen-address={site.address('prometheus')}",
            f"--web.external-url={site.url('prometheus')}",
        ),
        ready=f"{site.url('prometheus')}/-/ready",
    )


def write_targets(site: Site, metrics: Mapping[str, str]) -> None:
    """`metrics` is where each context's are."""
    folder = site.folder("prometheus") / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    alertmanagers = [site.address("alertmanager")] if "alertmanager" in site.ports else []
    _write(folder / "mallbots.yml", (_target(at, context=context) for context, at in metrics.items()))
    _write(folder / "alertmanager.yml", (_target(at) for at in alertmanagers))
    _write(folder / "back-ends.yml", (_target(site.address(each), job=BACK_ENDS[each]) for each in _running(site)))


def _running(site: Site) -> Iterable[str]:
    return (each for each in BACK_ENDS if each in site.ports)


def _target(address: str, **labels: str) -> dict[str, object]:
    return {"targets": [address], "labels": labels}


def _write(path: Path, targets: Iterable[dict[str, object]]) -> None:
    """Prometheus sees the old ones or the new ones, never half of them."""
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(list(targets), indent=1))
    scratch.replace(path)


PROMETHEUS = Program(
    name="prometheus",
    executables=("prometheus",),
    shows="what is measured, and which alert fires",
    how_to_get="Debian's package `prometheus`, or prometheus.io/download",
    ports={"prometheus": 9090},
    prepare=prepare,
)
