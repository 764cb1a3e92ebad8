"""What each program is given, made of the files that it reads in containers."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from mallbots.observe import grafana, jaeger, loki, prometheus
from mallbots.observe.stack import PROGRAMS
from mallbots.reporting import Failed
from tests.dashboards.promtool import promtool
from tests.mallbots.observe.sites import program, site_of
from tests.telemetry_config.configurations import CONFIG, PROVISIONING, read

METRICS = {"ordering": "127.0.0.1:1001", "depot": "127.0.0.1:1002"}


def test_prometheus_accepts_what_it_is_given(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["prometheus", "alertmanager", "collector"])
    program("prometheus").prepare(site)
    prometheus.write_targets(site, METRICS)

    told = promtool("check", "config", site.folder("prometheus") / "prometheus.yml")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "2 rule files found" in told.stdout


def test_alertmanager_accepts_what_it_is_given(tmp_path: Path) -> None:
    if not (amtool := shutil.which("amtool")):
        pytest.skip("amtool is not to be found: install Alertmanager, for Debian the package `prometheus-alertmanager`")
    site = site_of(tmp_path, ["alertmanager"])
    program("alertmanager").prepare(site)

    path = site.folder("alertmanager") / "alertmanager.yml"
    told = subprocess.run([amtool, "check-config", str(path)], capture_output=True, text=True, timeout=60, check=False)

    assert told.returncode == 0, told.stdout + told.stderr


def test_prometheus_asks_the_contexts_and_those_that_run(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["prometheus", "jaeger"])
    prometheus.write_targets(site, METRICS)
    targets = site.folder("prometheus") / "targets"

    contexts = {each["labels"]["context"]: each["targets"] for each in read(targets / "mallbots.yml")}
    jobs = {each["labels"]["job"]: each["targets"] for each in read(targets / "back-ends.yml")}

    assert contexts == {context: [at] for context, at in METRICS.items()}
    assert jobs == {"jaeger": [site.address("jaeger.metrics")], "prometheus": [site.address("prometheus")]}
    assert read(targets / "alertmanager.yml") == []


def test_jobs_are_called_as_in_containers() -> None:
    composed = {each["labels"]["job"] for each in read(CONFIG / "compose-targets" / "back-ends.yml")}

    assert set(prometheus.BACK_ENDS.values()) == composed - {"locust"}


def test_jaegers_links_lead_to_the_grafana_that_runs(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["jaeger", "grafana"])
    jaeger.prepare(site)

    page = (site.folder("jaeger") / "jaeger-ui.json").read_text()

    assert json.loads(page)["menu"]
    assert site.url("grafana") in page and jaeger.GRAFANA_IN_LINKS not in page


def test_jaeger_and_the_collector_listen_where_they_are_told_to() -> None:
    """A port that nobody may choose would be taken twice on one machine."""
    for name in ("jaeger.yaml", "collector.yaml"):
        endpoints = [line for line in (CONFIG / name).read_text().splitlines() if "_HOST:-0.0.0.0}:" in line]

        assert endpoints and all("_PORT:-" in line for line in endpoints)


def test_loki_keeps_its_lines_with_the_run(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["loki"])
    loki.prepare(site)

    text = (site.folder("loki") / "loki.yaml").read_text()
    config = yaml.safe_load(text)

    assert config["common"]["path_prefix"] == str(site.folder("loki") / "data")
    assert ": /loki" not in text
    assert config["server"]["http_listen_port"] == site.ports["loki"]
    assert config["limits_config"] == read(CONFIG / "loki.yaml")["limits_config"]


def test_grafana_is_given_pages_sources_and_their_addresses(tmp_path: Path) -> None:
    executable = tmp_path / "grafana" / "bin" / "grafana"
    (tmp_path / "grafana" / "conf").mkdir(parents=True)
    (tmp_path / "grafana" / "conf" / "defaults.ini").touch()
    site = site_of(tmp_path / "run", ["grafana", "prometheus"], str(executable))

    launch = grafana.prepare(site)

    folder = site.folder("grafana")
    assert launch.arguments[:3] == ("server", "--homepath", tmp_path / "grafana")
    assert (folder / "provisioning" / "datasources" / "datasources.yaml").exists()
    assert launch.environ["PROMETHEUS_URL"] == site.url("prometheus")
    assert launch.environ["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert Path(launch.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).exists()
    for name in ("datasources.yaml", "dashboards.yaml"):
        assert set(re.findall(r"(?<!\$)\$\{(\w+)", (PROVISIONING / name).read_text())) <= launch.environ.keys()


def test_a_grafana_without_its_pages_says_what_is_missing(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["grafana"], str(tmp_path / "bin" / "grafana"))

    if Path("/usr/share/grafana/conf/defaults.ini").exists():
        pytest.skip("Grafana's pages are on this machine")
    with pytest.raises(Failed, match=r"conf/defaults.ini, which belongs to Grafana"):
        grafana.prepare(site)


def test_every_program_says_how_to_get_it() -> None:
    assert {each.name for each in PROGRAMS} == {"grafana", "prometheus", "alertmanager", "collector", "jaeger", "loki"}
    assert all(each.how_to_get and each.shows and each.name in each.ports for each in PROGRAMS)
