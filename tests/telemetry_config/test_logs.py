import re

from tests.telemetry_config.configurations import CONFIG, PROVISIONING, collector, read

LABELS = {"service.name", "service.namespace"}


def test_labels_of_lines_are_bounded() -> None:
    limits = read(CONFIG / "loki.yaml")["limits_config"]
    resource = limits["otlp_config"]["resource_attributes"]

    assert resource["ignore_defaults"] is True
    assert resource["attributes_config"] == [{"action": "index_label", "attributes": sorted(LABELS)}]
    assert limits["discover_service_name"] == []
    assert limits["allow_structured_metadata"] is True


def test_lines_from_files_have_the_labels() -> None:
    operators = collector("collector.yaml")["receivers"]["file_log"]["operators"]
    set_by = [each.get("to") or each.get("field") for each in operators]

    assert {f'resource["{label}"]' for label in LABELS} <= set(set_by)


def test_ids_of_a_line_become_the_records() -> None:
    operators = collector("collector.yaml")["receivers"]["file_log"]["operators"]
    [parser] = [each for each in operators if each["type"] == "trace_parser"]

    assert parser["trace_id"] == {"parse_from": "attributes.trace_id"}
    assert parser["span_id"] == {"parse_from": "attributes.span_id"}


def test_a_line_leads_to_its_trace_event_and_flow() -> None:
    [loki] = [each for each in read(PROVISIONING / "datasources.yaml")["datasources"] if each["type"] == "loki"]
    fields = {each["matcherRegex"]: each for each in loki["jsonData"]["derivedFields"]}

    assert {each["matcherType"] for each in fields.values()} == {"label"}
    assert fields["trace_id"]["datasourceUid"] == "jaeger"
    assert {"trace_id", "event_id", "correlation_id"} == fields.keys()


def test_grafanas_own_variables_are_escaped_and_the_environments_are_not() -> None:
    text = (PROVISIONING / "datasources.yaml").read_text() + (PROVISIONING / "dashboards.yaml").read_text()
    named = set(re.findall(r"(?<!\$)\$\{(\w+)", text))

    assert named == {"PROMETHEUS_URL", "JAEGER_URL", "LOKI_URL", "ALERTMANAGER_URL", "DASHBOARDS"}
    assert set(re.findall(r"\$\$\{?(\w+)", text)) == {"__trace", "__tags", "__value"}


def test_parts_of_the_json_parser_have_only_settings_that_they_know() -> None:
    operators = collector("collector.yaml")["receivers"]["file_log"]["operators"]
    [parser] = [each for each in operators if each["type"] == "json_parser"]

    assert parser["timestamp"].keys() <= {"parse_from", "layout", "layout_type", "location"}
    assert parser["severity"].keys() <= {"parse_from", "preset", "mapping", "overwrite_text"}
    assert parser["severity"]["mapping"] == {"warn": "warning", "fatal": "critical"}
