from typing import Any

import pytest

from dashboards.queries import Asked, problems
from dashboards.vocabulary import series
from tests.telemetry_config.configurations import PROVISIONING, read

SOURCES: dict[str, dict[str, Any]] = {
    each["uid"]: each for each in read(PROVISIONING / "datasources.yaml")["datasources"]
}


def test_there_is_one_source_of_each_kind() -> None:
    assert {uid: each["type"] for uid, each in SOURCES.items()} == {
        uid: uid for uid in ("prometheus", "jaeger", "loki", "alertmanager")
    }


def test_a_dot_on_a_graph_leads_to_its_trace() -> None:
    [destination] = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]

    assert (destination["name"], destination["datasourceUid"]) == ("trace_id", "jaeger")


def test_a_span_leads_to_its_lines_by_the_trace() -> None:
    to_logs = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]

    assert to_logs["datasourceUid"] == "loki"
    assert "trace_id=`$${__trace.traceId}`" in to_logs["query"]


@pytest.mark.parametrize(
    "query", SOURCES["jaeger"]["jsonData"]["tracesToMetrics"]["queries"], ids=lambda each: each["name"]
)
def test_a_span_leads_to_metrics_that_exist(query: dict[str, str]) -> None:
    chosen = query["query"].replace("$$__tags", 'context="ordering"')

    assert problems(Asked(query["name"], chosen), series()) == []


def test_a_span_names_its_context_as_metrics_do() -> None:
    assert SOURCES["jaeger"]["jsonData"]["tracesToMetrics"]["tags"] == [{"key": "service.name", "value": "context"}]


def test_the_map_of_a_trace_is_drawn() -> None:
    assert SOURCES["jaeger"]["jsonData"]["nodeGraph"]["enabled"] is True
