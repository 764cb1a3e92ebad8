"""What is really emitted, held against what is declared, both ways: nothing undeclared, nothing declared in vain."""

import asyncio
import re
from collections import defaultdict
from typing import Any

import pytest

from mallbots_platform.embedded_redis import EmbeddedRedis
from telemetry.facts import in_words
from telemetry.registry import LOGS, METRICS, SPANS, Instrument, Metric, SpanShape, shape_of
from tests.support.demo_run import demo_run
from tests.support.trouble_world import SECRETS
from tests.support.troubles import Evidence, everything_goes_wrong

SAMPLES = {Instrument.COUNTER: "", Instrument.GAUGE: "", Instrument.HISTOGRAM: "_count"}
PARTS_OF_A_METRIC = re.compile(r"_(bucket|count|sum|created)$")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def evidence(redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A demo in which all goes well, and two contexts in which nothing does."""
    demo = demo_run(tmp_path_factory)
    assert demo.code == 0, demo.report
    found = asyncio.run(everything_goes_wrong(tmp_path_factory.mktemp("troubles"), redis_server))
    highest = {place: max(demo.measured.get(place, 0), found.measured.get(place, 0)) for place in demo.measured}
    lines = demo.lines + found.lines
    return Evidence(demo.spans + found.spans, found.measured | highest, lines, demo.customers)


@pytest.fixture(scope="module")
def attributes(evidence: Evidence) -> dict[SpanShape | None, set[str]]:
    """Those that spans of each shape had."""
    seen: dict[SpanShape | None, set[str]] = defaultdict(set)
    for span in evidence.spans:
        seen[shape_of(span.name, span.kind)] |= span.attributes.keys()
    return seen


def test_every_span_is_declared(evidence: Evidence) -> None:
    undeclared = {(span.name, span.kind) for span in evidence.spans if shape_of(span.name, span.kind) is None}

    assert undeclared == set()


@pytest.mark.parametrize("shape", SPANS, ids=lambda shape: f"{shape.name} {shape.kind.name}")
def test_spans_say_what_is_declared(shape: SpanShape, attributes: dict[SpanShape | None, set[str]]) -> None:
    assert attributes[shape] == shape.attributes


def test_every_metric_is_declared(evidence: Evidence) -> None:
    families = {PARTS_OF_A_METRIC.sub("", name) for name, _ in evidence.measured}

    assert {name for name in families if name not in METRICS and f"{name}_total" not in METRICS} == set()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_declared_metric_is_measured(metric: Metric, evidence: Evidence) -> None:
    sample = metric.name + SAMPLES[metric.instrument]
    values = {labels: value for (name, labels), value in evidence.measured.items() if name == sample}

    assert values
    assert {name for labels in values for name, _ in labels} == {"context", *metric.labels}
    assert metric.instrument is Instrument.GAUGE or max(values.values()) > 0


def is_fact(line: dict[str, Any]) -> bool:
    """What a context has said, in words."""
    return (line["level"], line["event"]) == ("info", in_words(line.get("type", "")))


def test_every_log_line_is_declared(evidence: Evidence) -> None:
    undeclared = {line["event"] for line in evidence.lines if not is_fact(line)} - LOGS.keys()

    assert undeclared == set()


@pytest.mark.parametrize("name", LOGS)
def test_every_declared_line_is_logged(name: str, evidence: Evidence) -> None:
    lines = [line for line in evidence.lines if line["event"] == name]

    assert lines
    assert all({"event", "level", "time", "service"} <= line.keys() for line in lines)


def test_no_secret_is_told(evidence: Evidence) -> None:
    """Those that the troubles planted in their failures."""
    failures = [span for span in evidence.spans if span.status_text.startswith("no access to redis")]
    told = [*map(repr, evidence.spans), *map(repr, evidence.lines), *map(repr, evidence.measured)]

    assert len(failures) >= 5
    assert [text for text in told if any(secret in text for secret in SECRETS)] == []


def test_no_customer_is_told_of(evidence: Evidence) -> None:
    """Neither name nor telephone number of any who shopped in the demo."""
    told = "\n".join([*map(repr, evidence.spans), *map(repr, evidence.lines), *map(repr, evidence.measured)])

    assert len(evidence.customers) > 20
    assert [datum for datum in evidence.customers if datum in told] == []


def test_each_kind_of_trouble_is_told_with_its_trace(evidence: Evidence) -> None:
    """A line about a message, a timer or a call leads to its span, where the exception is not told again."""
    spans = {(span.trace_id, span.span_id): span for span in evidence.spans}
    for name in ("message failed", "timer failed", "job failed", "call failed"):
        for line in (line for line in evidence.lines if line["event"] == name):
            assert "Traceback" in line["exception"]
            assert spans[line["trace_id"], line["span_id"]].failed
