"""A demo with every span captured, held against the journal of its events: nothing without its cause, nothing cut."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from contexts.customers.contract import customers_pb2
from mallbots.supervisor import supervised
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.partitions import EVENTS
from telemetry.spans import Kind
from telemetry.testing import OtlpReceiver, ReceivedSpan
from telemetry.trace_context import RANDOM, SAMPLED, read_traceparent
from tests.support.demo_run import ORDERS, DemoRun, demo_run

Id = tuple[str, str]
ORDER = "messaging.message.conversation_id"
REGISTER = "mallbots.customers.v1.CustomersService/RegisterCustomer"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    return demo_run(tmp_path_factory)


@pytest.fixture(scope="module")
def spans(run: DemoRun) -> dict[Id, ReceivedSpan]:
    return {id_of(span): span for span in run.spans}


def id_of(span: ReceivedSpan) -> Id:
    return span.trace_id, span.span_id


def parent_of(span: ReceivedSpan) -> Id:
    return span.trace_id, span.parent_id


def begins_with(run: DemoRun, operation: str) -> list[ReceivedSpan]:
    return [span for span in run.spans if span.name.startswith(f"{operation} ")]


def created(message: pb.LogEntry) -> Id:
    """The span that the message says it was created by."""
    read = read_traceparent(decode_envelope(message.envelope).traceparent)
    assert read
    return read[:2]


def handled(run: DemoRun) -> dict[tuple[str, str], list[ReceivedSpan]]:
    """`process` spans by message and group."""
    found = defaultdict(list)
    for span in begins_with(run, "process"):
        found[span.attributes["messaging.message.id"], span.attributes["messaging.consumer.group.name"]].append(span)
    return found


def test_the_demo_ends_well(run: DemoRun) -> None:
    assert run.code == 0, run.report
    assert run.report["orders"]["placed"] == ORDERS
    assert all(invariant["holds"] for invariant in run.report["invariants"])
    assert len(run.messages) > 15 * ORDERS
    assert len(run.deliveries) >= len(run.messages)


def test_no_span_arrives_twice(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    assert len(run.spans) == len(spans)


def test_no_span_lacks_its_parent(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    orphans = [span for span in run.spans if span.parent_id and parent_of(span) not in spans]

    assert orphans == []


def test_no_link_leads_nowhere(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    cut = [(span.name, link) for span in run.spans for link in span.links if link not in spans]

    assert cut == []


def test_only_what_comes_from_outside_is_a_root(run: DemoRun) -> None:
    roots = {(span.name.partition(" ")[0], span.kind) for span in run.spans if not span.parent_id}
    calls = {name for name, kind in roots if kind is Kind.SERVER}

    assert roots - {(name, Kind.SERVER) for name in calls} == {
        ("send", Kind.CLIENT),
        ("receive", Kind.CLIENT),
        ("timer", Kind.INTERNAL),
    }
    assert all(name.startswith("mallbots.") for name in calls)


def test_a_parent_starts_before_its_children(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    backwards = [span for span in run.spans if span.parent_id and span.started_ns < spans[parent_of(span)].started_ns]

    assert backwards == []
    assert all(span.started_ns <= span.ended_ns for span in run.spans)


def test_each_message_has_correlation_and_causation(run: DemoRun) -> None:
    nameless = [message for message in run.messages.values() if not (message.correlation_id and message.causation_id)]

    assert nameless == []
    assert {message.causation_id for message in run.messages.values()} <= {*run.messages, *run.requests}


def test_each_message_has_its_create_span(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    creates = {id_of(span) for span in begins_with(run, "create")}

    assert {created(message) for message in run.messages.values()} == creates
    assert len(creates) == len(run.messages)
    for message in run.messages.values():
        span = spans[created(message)]
        assert (span.name, span.kind, span.service) == (f"create {message.type}", Kind.PRODUCER, message.source)
        assert span.attributes["cloudevents.event_id"] == message.message_id
        assert span.attributes["messaging.message.id"] == message.message_id
        assert span.attributes["cloudevents.event_subject"] == message.subject
        assert span.attributes["mallbots.causation_id"] == message.causation_id
        assert span.attributes["mallbots.sequence"] == message.sequence
        assert span.attributes[ORDER] == message.correlation_id


def test_each_event_is_one_line_that_leads_to_its_trace(run: DemoRun) -> None:
    events = [message for message in run.messages.values() if message.channel == EVENTS]
    told = [line for line in run.lines if "causation_id" in line]

    assert len(told) == len(events)
    assert {(line["event_id"], line["trace_id"], line["span_id"]) for line in told} == {
        (message.message_id, *created(message)) for message in events
    }
    assert {(line["service"], line["type"], line["correlation_id"]) for line in told} == {
        (message.source, message.type, message.correlation_id) for message in events
    }


def test_each_create_follows_from_its_cause(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    """From a call, a timer, a handling, or what was created right before in the same transaction."""
    processes = handled(run)
    for message in run.messages.values():
        parent = spans[parent_of(spans[created(message)])]
        cause = run.messages.get(message.causation_id)
        if cause is None:
            assert parent.name == run.requests[message.causation_id].method
        elif parent.kind is Kind.PRODUCER:
            assert id_of(parent) == created(cause)
        else:
            assert parent in processes[cause.message_id, parent.attributes["messaging.consumer.group.name"]]
            assert parent.service == message.source


def test_each_handling_is_in_the_trace_of_its_cause(run: DemoRun) -> None:
    processes = handled(run)

    assert processes.keys() == {(delivery.message_id, delivery.group) for delivery in run.deliveries}
    for delivery in run.deliveries:
        attempts = processes[delivery.message_id, delivery.group]
        message = run.messages[delivery.message_id]
        assert len(attempts) == delivery.attempts
        for span in attempts:
            assert (span.name, span.kind) == (f"process {message.type}", Kind.CONSUMER)
            assert parent_of(span) == created(message)
            assert span.attributes[ORDER] == message.correlation_id
        assert attempts[-1].attributes["mallbots.outcome"] == delivery.outcome


def test_each_handling_links_to_where_it_was_received(run: DemoRun, spans: dict[Id, ReceivedSpan]) -> None:
    for (message_id, group), attempts in handled(run).items():
        message = run.messages[message_id]
        receives = [spans[link] for span in attempts for link in span.links]
        assert receives
        for receive in receives:
            assert receive.name == f"receive {message.source}.{message.channel}"
            assert receive.attributes["messaging.consumer.group.name"] == group
            assert created(message) in receive.links


def test_each_message_is_sent_and_received_in_a_batch(run: DemoRun) -> None:
    sends, receives = begins_with(run, "send"), begins_with(run, "receive")
    sent = {link for span in sends for link in span.links}
    received = {(link, span.attributes["messaging.consumer.group.name"]) for span in receives for link in span.links}

    assert sent == {created(message) for message in run.messages.values()}
    assert received == {(created(run.messages[each.message_id]), each.group) for each in run.deliveries}
    assert all(span.attributes["messaging.batch.message_count"] == len(span.links) > 0 for span in sends + receives)


def test_every_trace_is_sampled_and_random(run: DemoRun) -> None:
    flags = {read_traceparent(decode_envelope(message.envelope).traceparent) for message in run.messages.values()}

    assert all(read and read[2] & SAMPLED and read[2] & RANDOM for read in flags)


def test_an_orders_id_finds_every_trace_of_its_flow(run: DemoRun) -> None:
    orders = {message.correlation_id for message in run.messages.values() if message.type == "ordering.OrderCreated"}
    found = defaultdict(set)
    for span in run.spans:
        found[span.attributes.get(ORDER, "")].add(span.trace_id)

    assert len(orders) == ORDERS
    for order in orders:
        flow = {message.trace_id for message in run.messages.values() if belongs_to(run, message, order)}
        assert len(flow) >= 3  # whoever calls from outside begins a trace of its own
        assert flow <= found[order]


def belongs_to(run: DemoRun, message: pb.LogEntry, order: str) -> bool:
    """It concerns the order by its subject or by its payload, whatever its correlation says."""
    return order in (message.subject, message.correlation_id) or f'"order_id":"{order}"' in str(message.envelope)


def test_nothing_was_dropped(run: DemoRun) -> None:
    received = Counter(span.service for span in run.spans)

    for service, count in received.items():
        exported = run.value("mallbots_telemetry_spans_total", context=service, outcome="exported")
        assert 0 < exported <= count
        assert run.value("mallbots_telemetry_spans_total", context=service, outcome="dropped") == 0
        assert run.value("mallbots_telemetry_spans_total", context=service, outcome="failed") == 0
    assert received.keys() == {"stores", "customers", "baskets", "ordering", "payments", "depot"}
    assert "spans not delivered" not in {line["event"] for line in run.lines}


def test_each_call_has_its_span(run: DemoRun) -> None:
    """At least those that were counted when the metrics were last looked at."""
    spans = Counter(span.name for span in run.spans if span.kind is Kind.SERVER)
    methods = {
        dict(labels)["rpc_method"] for name, labels in run.measured if name == "rpc_server_call_duration_seconds_count"
    }

    shown = {method for method in methods if not method.startswith("mallbots.platform.")}
    for method in shown:
        assert spans[method] >= run.value("rpc_server_call_duration_seconds_count", rpc_method=method) > 0
    assert len(shown) > 15


async def test_a_process_that_is_stopped_tells_all(tmp_path: Path) -> None:
    with OtlpReceiver() as receiver:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        async with supervised(tmp_path / "run", ["customers"], told) as running:
            await register_customers(running.endpoints["customers"].grpc, 40)

    counts = Counter(span.name for span in receiver.spans)
    sent = {link for span in receiver.spans if span.name.startswith("send ") for link in span.links}
    assert counts[REGISTER] == counts["create customers.CustomerRegistered"] == len(sent) == 40


async def register_customers(address: str, count: int) -> None:
    """The last one right before the process is told to stop."""
    channel = open_channel(address)
    client = client_for(channel, customers_pb2.DESCRIPTOR.services_by_name["CustomersService"])
    for number in range(count):
        request = customers_pb2.RegisterCustomerRequest(name=f"Customer {number}", sms_number="+436645551234")
        await client.RegisterCustomer(request, timeout=30.0)
    await channel.close(None)
