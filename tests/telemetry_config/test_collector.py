import re
from typing import Any

import pytest

from telemetry.registry import SPANS
from tests.telemetry_config.configurations import CONFIG, collector, read

ALONE, SAMPLING = ("collector.yaml",), ("collector.yaml", "tail-sampling.yaml")
either_way = pytest.mark.parametrize("files", [ALONE, SAMPLING], ids=["alone", "tail sampling"])
MEASURES = {"span_metrics", "servicegraph"}


def pipelines(files: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = collector(*files)["service"]["pipelines"]
    return found


def policies() -> dict[str, Any]:
    return {each["name"]: each for each in collector(*SAMPLING)["processors"]["tail_sampling"]["policies"]}


@either_way
def test_the_pipelines_are_these(files: tuple[str, ...]) -> None:
    kept = ["batch"] if files == ALONE else ["tail_sampling", "batch"]

    assert pipelines(files) == {
        "traces/in": {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "redaction"],
            "exporters": ["span_metrics", "servicegraph", "forward/kept"],
        },
        "traces/kept": {"receivers": ["forward/kept"], "processors": kept, "exporters": ["otlp_grpc/jaeger"]},
        "metrics/spans": {
            "receivers": ["span_metrics", "servicegraph"],
            "processors": ["memory_limiter"],
            "exporters": ["prometheus/spans"],
        },
        "metrics/stores": {
            "receivers": ["redis", "postgresql"],
            "processors": ["memory_limiter"],
            "exporters": ["prometheus/stores"],
        },
        "logs": {
            "receivers": ["otlp", "file_log"],
            "processors": ["memory_limiter", "redaction", "batch"],
            "exporters": ["otlp_http/loki"],
        },
    }


@either_way
def test_memory_is_guarded_before_anything_else_is_done(files: tuple[str, ...]) -> None:
    taking_in = [each for each in pipelines(files).values() if each["receivers"] != ["forward/kept"]]

    assert {each["processors"][0] for each in taking_in} == {"memory_limiter"}


@either_way
def test_what_is_measured_is_not_sampled_before(files: tuple[str, ...]) -> None:
    measuring = [each for each in pipelines(files).values() if MEASURES & set(each["exporters"])]

    assert [each["exporters"][:2] for each in measuring] == [["span_metrics", "servicegraph"]]
    assert not [each for each in measuring if "tail_sampling" in each["processors"]]


@either_way
def test_nothing_leaves_without_redaction(files: tuple[str, ...]) -> None:
    found = pipelines(files)

    assert "redaction" in found["traces/in"]["processors"]
    assert "redaction" in found["logs"]["processors"]
    assert found["traces/kept"]["receivers"] == ["forward/kept"]


@either_way
def test_every_part_is_declared_and_used(files: tuple[str, ...]) -> None:
    config = collector(*files)
    kinds = {"receivers": set[str](), "processors": set[str](), "exporters": set[str]()}
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in kinds.items():
            names |= set(pipeline[kind])

    connectors = config["connectors"].keys()

    assert kinds["receivers"] == config["receivers"].keys() | connectors
    assert kinds["exporters"] == config["exporters"].keys() | connectors
    assert kinds["processors"] == config["processors"].keys()
    assert set(config["service"]["extensions"]) == config["extensions"].keys()


def test_sampling_is_off_unless_it_is_asked_for() -> None:
    assert "tail_sampling" not in collector(*ALONE)["processors"]


def test_sampling_keeps_what_is_worth_looking_at() -> None:
    found = policies()

    assert found["errors"]["status_code"]["status_codes"] == ["ERROR"]
    assert found["retries"]["numeric_attribute"]["min_value"] == 2
    assert set(found["retried, parked or dead"]["string_attribute"]["values"]) == {"retried", "parked", "dead"}
    assert found["republished"]["numeric_attribute"]["min_value"] == 1
    assert found["slow flows"]["latency"]["threshold_ms"] == 2000
    assert found["one of ten of the rest"]["probabilistic"]["sampling_percentage"] == 10


def test_sampling_looks_at_attributes_that_spans_have() -> None:
    declared = frozenset[str]().union(*(shape.attributes for shape in SPANS))
    asked = {each[each["type"]]["key"] for each in policies().values() if "key" in each[each["type"]]}
    conditions = " ".join(policies()["slow hops"]["ottl_condition"]["span"])

    asked |= set(re.findall(r'attributes\["([\w.]+)"\]', conditions))

    assert asked <= declared


@pytest.mark.parametrize(
    "text", ["+49 30 5550000", "+1-202-555-0143", "+4915112345678", "ada@example.org", "Bearer abc.def"]
)
def test_personal_data_in_values_is_masked(text: str) -> None:
    patterns = collector(*ALONE)["processors"]["redaction"]["blocked_values"]

    assert any(re.search(pattern, f"before {text} after") for pattern in patterns)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T14:37:14+00:00",
        "00-98140a7559d9c68b71a66e81409aa799-0ce3f54f6fa659b9-03",
        "a + 1",
        "ordering.OrderApproved",
    ],
)
def test_what_is_nobodys_is_left_alone(text: str) -> None:
    patterns = collector(*ALONE)["processors"]["redaction"]["blocked_values"]

    assert not any(re.search(pattern, text) for pattern in patterns)


@pytest.mark.parametrize(
    "key", ["sms_number", "customer.sms_number", "password", "db.password", "email", "authorization"]
)
def test_what_tells_of_a_person_is_masked_by_its_key(key: str) -> None:
    [pattern] = collector(*ALONE)["processors"]["redaction"]["blocked_key_patterns"]

    assert re.search(pattern, key)


def test_queues_are_bounded() -> None:
    exporters = {name: each for name, each in collector(*ALONE)["exporters"].items() if name.startswith("otlp")}

    assert all(each["sending_queue"]["queue_size"] <= 500 for each in exporters.values())
    assert all(each["retry_on_failure"]["max_elapsed_time"] != 0 for each in exporters.values())


def test_series_of_spans_are_bounded() -> None:
    measured = collector(*ALONE)["connectors"]["span_metrics"]

    assert "dimensions" not in measured
    assert measured["aggregation_cardinality_limit"] * (len(measured["histogram"]["explicit"]["buckets"]) + 4) <= 9000
    assert measured["exemplars"]["enabled"]


def test_the_collector_tells_of_itself() -> None:
    service = collector(*ALONE)["service"]

    assert service["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]["port"].endswith(":-8888}")
    assert "health_check" in service["extensions"]


def test_the_list_for_the_builder_names_what_is_used_but_for_what_cannot_be_had() -> None:
    listed = read(CONFIG / "collector-builder.yaml")
    modules = " ".join(each["gomod"] for part in listed.values() if isinstance(part, list) for each in part)
    config = collector(*SAMPLING)
    sections = ("extensions", "receivers", "processors", "connectors", "exporters")
    used = {name.partition("/")[0] for section in sections for name in config[section]}

    absent = {kind for kind in used if kind.replace("_grpc", "").replace("_", "") not in modules}

    assert absent == {"servicegraph", "postgresql", "file_log"}
    assert set(re.findall(r" (v[\d.]+)", modules)) == {"v0.161.0", "v1.67.0"}
