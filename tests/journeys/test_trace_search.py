"""A demo's traces, searched as a person would: by an order, by an event, by an error. Asked of Jaeger where there is
one, and always of a stand-in that has the same spans."""

from pathlib import Path

import pytest

from telemetry.testing import ReceivedSpan
from tests.support.demo_run import DemoRun, demo_run
from tests.support.trace_stores import JaegerTraces, ReceivedTraces, Traces, TraceStore, jaeger

ORDER, EVENT, ERROR = "messaging.message.conversation_id", "messaging.message.id", "error.type"
EDGES = {
    *(("stores", "baskets"), ("stores", "depot"), ("baskets", "ordering")),
    *(("ordering", "customers"), ("ordering", "depot"), ("ordering", "payments")),
    *(("customers", "ordering"), ("depot", "ordering"), ("payments", "ordering")),
}

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    return demo_run(tmp_path_factory)


@pytest.fixture(params=["received", "jaeger"])
def store(request: pytest.FixtureRequest, run: DemoRun, tmp_path: Path) -> TraceStore:
    if request.param == "received":
        return ReceivedTraces(run.spans)
    program = jaeger()
    if program is None:
        pytest.skip("no Jaeger is to be found: docs/observability.md says how to get one; its stand-in was asked")
    return JaegerTraces(program, tmp_path, run.exported, run.spans)


async def test_traces_are_found_whole(run: DemoRun, store: TraceStore) -> None:
    await finds_an_order(run, store)
    await finds_an_event(run, store)
    await finds_errors(run, store)
    await shows_who_tells_whom(run, store)


async def finds_an_order(run: DemoRun, traces: TraceStore) -> None:
    """In however many traces it was, all that was said and done is there, under its id alone."""
    order = run.report["flow"]
    flow = {message.message_id for message in run.messages.values() if message.correlation_id == order}

    found = await traces.search(ORDER, order)

    assert len(found) > 1
    shown = spans_in(run, found)
    assert flow <= {span.attributes.get(EVENT) for span in shown}
    assert {span.service for span in shown} >= {"baskets", "ordering", "payments", "depot", "customers"}


async def finds_an_event(run: DemoRun, traces: TraceStore) -> None:
    """Who said it, and every group that dealt with it."""
    [event] = [
        message
        for message in run.messages.values()
        if message.type == "ordering.OrderApproved" and message.correlation_id == run.report["flow"]
    ]
    groups = {delivery.group for delivery in run.deliveries if delivery.message_id == event.message_id}

    found = await traces.search(EVENT, event.message_id)

    shown = [span for span in spans_in(run, found) if span.attributes.get(EVENT) == event.message_id]
    assert [span.service for span in shown if span.name.startswith("create ")] == ["ordering"]
    assert {span.attributes.get("messaging.consumer.group.name") for span in shown} == groups | {None}


async def finds_errors(run: DemoRun, traces: TraceStore) -> None:
    kinds = {span.attributes[ERROR] for span in run.spans if ERROR in span.attributes}

    assert kinds
    for kind in kinds:
        found = await traces.search(ERROR, kind)
        expected = {span.trace_id for span in run.spans if span.attributes.get(ERROR) == kind}
        assert found.keys() == expected
        spans_in(run, found)


async def shows_who_tells_whom(run: DemoRun, traces: TraceStore) -> None:
    """Also where no call joins the two, only events."""
    told = {(run.messages[each.message_id].source, each.group.partition(".")[0]) for each in run.deliveries}
    across = {(source, context) for source, context in told if source != context}

    assert across >= EDGES
    assert across <= await traces.edges()


def spans_in(run: DemoRun, found: Traces) -> list[ReceivedSpan]:
    """Those of the traces, of which none may be missing."""
    shown = [span for span in run.spans if span.trace_id in found]
    assert {(trace, id) for trace, ids in found.items() for id in ids} == {(s.trace_id, s.span_id) for s in shown}
    return shown
