import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mallbots.observe.collector import prepare, unknown_to, without
from tests.mallbots.observe.sites import site_of
from tests.telemetry_config.configurations import collector

WHOLE = collector("collector.yaml")


def pipelines(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["service"]["pipelines"]
    return found


def prepared(data: Path, *names: str) -> dict[str, Any]:
    site = site_of(data, ["collector", *names])
    prepare(site)
    config: dict[str, Any] = yaml.safe_load((site.folder("collector") / "collector.yaml").read_text())
    return config


def test_nothing_is_left_out_where_all_is_there() -> None:
    assert without(WHOLE, ()) == WHOLE


def test_what_is_left_out_is_named_nowhere() -> None:
    config = without(WHOLE, {"servicegraph", "postgresql"})

    assert "servicegraph" not in config["connectors"] and "postgresql" not in config["receivers"]
    assert pipelines(config)["traces/in"]["exporters"] == ["span_metrics", "forward/kept"]
    assert pipelines(config)["metrics/stores"]["receivers"] == ["redis"]


def test_a_connector_that_leads_nowhere_goes_with_its_pipeline() -> None:
    config = without(WHOLE, {"otlp_grpc/jaeger"})

    assert "traces/kept" not in pipelines(config)
    assert pipelines(config)["traces/in"]["exporters"] == ["span_metrics", "servicegraph"]
    assert "forward/kept" not in config["connectors"] and "batch" in config["processors"]


def test_the_original_is_left_alone() -> None:
    before = copy.deepcopy(WHOLE)

    without(WHOLE, {"redis", "otlp_http/loki"})

    assert before == WHOLE


def test_without_jaeger_and_loki_spans_are_still_measured(tmp_path: Path) -> None:
    config = prepared(tmp_path)

    assert pipelines(config).keys() == {"traces/in", "metrics/spans", "metrics/stores"}
    assert config["exporters"].keys() == {"prometheus/spans", "prometheus/stores"}


def test_jaeger_and_loki_get_what_is_theirs(tmp_path: Path) -> None:
    config = prepared(tmp_path, "jaeger", "loki")

    assert pipelines(config)["traces/kept"]["exporters"] == ["otlp_grpc/jaeger"]
    assert pipelines(config)["logs"]["exporters"] == ["otlp_http/loki"]


@pytest.mark.parametrize("url, asked", [("", False), ("postgresql://mall:pass@db:6543/{context}", True)])
def test_postgresql_is_asked_where_it_is_used(
    url: str, asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLBOTS_DATABASE_URL", url)
    site = site_of(tmp_path, ["collector"])

    environ = prepare(site).environ

    config = yaml.safe_load((site.folder("collector") / "collector.yaml").read_text())
    assert ("postgresql" in config["receivers"]) is asked
    assert environ.get("POSTGRES_ADDRESS") == ("db:6543" if asked else None)


def test_it_is_told_where_everybody_is(tmp_path: Path) -> None:
    site = site_of(tmp_path, ["collector", "jaeger"])

    environ = prepare(site).environ

    assert environ["REDIS_ADDRESS"] == "127.0.0.1:6390" and environ["REDIS_PASSWORD"] == "secret"
    assert environ["COLLECTOR_GRPC_PORT"] == str(site.ports["collector.grpc"])
    assert environ["JAEGER_OTLP"] == site.address("jaeger.otlp")
    assert environ["MALLBOTS_LOGS"] == str(tmp_path / "logs")


def test_kinds_that_a_build_lacks_are_found(tmp_path: Path) -> None:
    program = tmp_path / "otelcol"
    known = yaml.safe_dump({"receivers": [{"name": "otlp"}], "connectors": [{"name": "forward"}]})
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{known}\nEND\n")
    program.chmod(0o755)

    assert unknown_to(str(program), {section: {} for section in WHOLE} | {"receivers": WHOLE["receivers"]}) == {
        "file_log",
        "redis",
        "postgresql",
    }


def test_a_build_that_does_not_tell_is_trusted() -> None:
    assert unknown_to("/usr/bin/false", WHOLE) == frozenset()
