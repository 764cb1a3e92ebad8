import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dashboards.boards import BOARDS
from telemetry.registry import SPANS
from tests.telemetry_config.configurations import CONFIG, read

UI = json.loads((CONFIG / "jaeger-ui.json").read_text(encoding="utf-8"))
PATTERNS: list[dict[str, Any]] = UI["linkPatterns"]
ON_MESSAGES = frozenset[str]().union(*(shape.attributes for shape in SPANS if shape.name == "process *"))
every_pattern = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern["text"])


def names_in(pattern: dict[str, Any]) -> set[str]:
    return set(re.findall(r"#\{([\w.]+)\}", pattern["url"]))


@every_pattern
def test_a_link_starts_from_what_spans_have(pattern: dict[str, Any]) -> None:
    known = {"tags": ON_MESSAGES, "process": {"service.instance.id"}, "traces": {"traceID"}}[pattern["type"]]

    assert names_in(pattern) <= known
    assert pattern.get("key", "traceID") in known


@every_pattern
def test_a_link_to_grafana_names_a_dashboard_and_choices_that_exist(pattern: dict[str, Any]) -> None:
    url = urlsplit(pattern["url"])
    boards = {board.uid: {variable.name for variable in board.variables} for board in BOARDS}

    if url.path.startswith("/d/"):
        assert {name.removeprefix("var-") for name in parse_qs(url.query)} <= boards[url.path.removeprefix("/d/")]
    else:
        assert url.path in ("/explore", "/search")


@every_pattern
def test_what_is_embedded_in_a_link_can_be_read_again(pattern: dict[str, Any]) -> None:
    asked = parse_qs(urlsplit(pattern["url"].replace("#{", "{")).query)
    embedded = [json.loads(text) for name in ("tags", "panes") for text in asked.get(name, [])]

    assert all(isinstance(each, dict) for each in embedded)
    assert embedded or "/d/" in pattern["url"]


def test_a_flow_an_event_and_a_cause_lead_to_their_traces() -> None:
    searched = {pattern["key"] for pattern in PATTERNS if pattern["url"].startswith("/search")}

    assert searched == {"messaging.message.conversation_id", "cloudevents.event_id", "mallbots.causation_id"}


def test_a_trace_leads_to_its_lines() -> None:
    [pattern] = [each for each in PATTERNS if each["type"] == "traces"]

    assert "| trace_id=`#{traceID}`" in unquote(pattern["url"])


def test_traces_survive_a_restart() -> None:
    storage = read(CONFIG / "jaeger.yaml")["extensions"]["jaeger_storage"]["backends"]["kept"]["badger"]

    assert storage["ephemeral"] is False
    assert storage["ttl"]["spans"] == "72h"


def test_the_monitor_tab_is_fed() -> None:
    config = read(CONFIG / "jaeger.yaml")
    metrics = config["extensions"]["jaeger_query"]["storage"]["metrics"]

    assert "prometheus" in config["extensions"]["jaeger_storage"]["metric_backends"][metrics]
    assert UI["monitor"]["menuEnabled"]


def test_times_are_shown_as_they_were_measured() -> None:
    assert read(CONFIG / "jaeger.yaml")["extensions"]["jaeger_query"]["max_clock_skew_adjust"] == "0s"
