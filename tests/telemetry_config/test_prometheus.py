import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.alert import NOTE
from dashboards.alerts import ALERTS
from dashboards.files import GENERATED
from dashboards.vocabulary import OTHERS
from mallbots.directories import CONTEXTS
from tests.dashboards.promtool import promtool
from tests.telemetry_config.configurations import CONFIG, read

TARGETS = CONFIG / "compose-targets"


@pytest.fixture
def laid_out(tmp_path: Path) -> Path:
    """As Prometheus finds it in its container."""
    shutil.copy(CONFIG / "prometheus.yml", tmp_path)
    shutil.copytree(TARGETS, tmp_path / "targets")
    (tmp_path / "rules").mkdir()
    for path in GENERATED.glob("*.rules.yml"):
        shutil.copy(path, tmp_path / "rules")
    return tmp_path / "prometheus.yml"


def test_prometheus_accepts_its_configuration(laid_out: Path) -> None:
    told = promtool("check", "config", laid_out)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "2 rule files found" in told.stdout


def test_a_misspelt_setting_is_refused_with_its_line(laid_out: Path) -> None:
    laid_out.write_text(laid_out.read_text().replace("scrape_interval: 5s", "scrape_intervall: 5s"))

    told = promtool("check", "config", laid_out)

    assert told.returncode == 1
    assert "line 3: field scrape_intervall not found" in told.stderr


def test_alertmanager_accepts_its_configuration() -> None:
    if not (amtool := shutil.which("amtool")):
        pytest.skip("amtool is not to be found: install Alertmanager, for Debian the package `prometheus-alertmanager`")

    told = subprocess.run(
        [amtool, "check-config", str(CONFIG / "alertmanager.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr


def test_alerts_name_only_alerts_that_exist() -> None:
    rules = read(CONFIG / "alertmanager.yml")["inhibit_rules"]
    text = " ".join(
        matcher for rule in rules for side in ("source_matchers", "target_matchers") for matcher in rule[side]
    )
    named = {word for part in text.split('"')[1::2] for word in part.split("|")}

    assert named <= {alert.name for alert in ALERTS} | {alert.severity for alert in ALERTS}


def test_every_severity_goes_somewhere() -> None:
    route = read(CONFIG / "alertmanager.yml")["route"]
    routed = {each["matchers"][0].split('"')[1] for each in route["routes"]}

    assert routed | {NOTE} == {alert.severity for alert in ALERTS}
    assert route["group_wait"] == "5s"


def test_every_context_is_scraped() -> None:
    targets = read(TARGETS / "mallbots.yml")

    assert [each["labels"]["context"] for each in targets] == list(CONTEXTS)
    assert [each["targets"] for each in targets] == [[f"{context}:9464"] for context in CONTEXTS]


def test_what_others_tell_is_kept_where_it_is_asked_for_and_else_dropped() -> None:
    [_, back_ends] = read(CONFIG / "prometheus.yml")["scrape_configs"]
    kept = re.compile(back_ends["metric_relabel_configs"][0]["regex"])
    made_by_prometheus = {"up", "ALERTS", "scrape_samples_scraped"}

    assert [name for name in OTHERS if not kept.fullmatch(name)] == sorted(made_by_prometheus, key=list(OTHERS).index)
    assert not kept.fullmatch("go_goroutines")
    assert not kept.fullmatch("loki_ingester_streams")


def test_a_fault_is_on_a_panel_within_15_seconds() -> None:
    gauges_are_looked_up, page_looks_again = 5, 5
    scrape = read(CONFIG / "prometheus.yml")["global"]["scrape_interval"]

    assert gauges_are_looked_up + int(scrape.removesuffix("s")) + page_looks_again <= 15
