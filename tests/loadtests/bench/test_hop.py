from collections.abc import Iterator
from dataclasses import replace
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtests.bench import hop
from loadtests.bench.contenders import ContenderFailed
from loadtests.bench.stage import Stage, open_stage

EVENTS = 60


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with open_stage() as opened:
        yield opened


def send_span(stage: Stage) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="left over", trace_id=bytes(16), span_id=bytes(8))
    with urlopen(Request(f"{stage.receiver.endpoint}/v1/traces", request.SerializeToString())) as answer:
        assert answer.status == 200


def test_a_run_of_ours_does_all_of_its_work_and_loses_no_span(stage: Stage) -> None:
    cost = hop.run(stage, hop.OURS, EVENTS)

    counts = stage.receiver.counts()
    assert (cost.events, cost.spans_lost) == (EVENTS, 0)
    assert counts["process sender.LetterSent"] == counts["create receiver.LetterReceived"] == EVENTS
    assert cost.cpu_seconds > 0 and cost.wall_seconds > 0 and cost.peak_mib > 10


def test_a_run_of_the_stock_loop_exports_two_spans_an_event(stage: Stage) -> None:
    cost = hop.run(stage, hop.STOCK, EVENTS)

    assert cost.spans_lost == 0
    assert sum(stage.receiver.counts().values()) == 2 * EVENTS


def test_spans_that_do_not_arrive_are_counted_as_lost(stage: Stage) -> None:
    cost = hop.run(stage, hop.BARE, EVENTS)

    assert cost.spans_lost == 2 * EVENTS


def test_a_run_that_did_not_do_its_work_measures_nothing(stage: Stage) -> None:
    lazy = replace(hop.BARE, name="lazy", module="tests.loadtests.bench.lazy_consumer")

    with pytest.raises(hop.WorkNotDone, match="0 rows of 0 letters, 60 receipts"):
        hop.run(stage, lazy, EVENTS, traced=False)


def test_a_contender_that_dies_is_named_with_what_it_said(stage: Stage) -> None:
    broken = replace(hop.BARE, name="broken", module="loadtests.bench.no_such_module")

    with pytest.raises(ContenderFailed, match=r"broken: it ended early: .*No module named"):
        hop.run(stage, broken, EVENTS, traced=False)


def test_each_run_begins_with_nothing(stage: Stage) -> None:
    stage.client.set("left over", "1")
    send_span(stage)
    assert stage.receiver.counts() == {"left over": 1}

    first, second = stage.empty(), stage.empty()

    assert first != second and not list(second.iterdir())
    assert stage.client.dbsize() == 0 and stage.receiver.counts() == {}
