"""A mall that is up, as its clients and its operators meet it; they have no code of ours but the command."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from prometheus_client import parser as plain_text
from prometheus_client.openmetrics import parser as openmetrics

from mallbots.directories import CONTEXTS
from mallbots.operators import open_operators
from mallbots.quiet import until_quiet
from telemetry.testing import OtlpReceiver
from tests.support.mall import RunningMall, mallbots, mallbots_here, open_day, running_mall
from tests.support.stranger import Stranger
from tests.support.world import eventually

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CUSTOMERS = 130
parse_openmetrics: Any = openmetrics.text_string_to_metric_families
parse_plain_text: Any = plain_text.text_string_to_metric_families


@pytest.fixture(scope="module")
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as running:
        yield running


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory, receiver: OtlpReceiver) -> Iterator[RunningMall]:
    with running_mall(tmp_path_factory.mktemp("mall"), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint) as running:
        yield running


@pytest.fixture
def strangers(mall: RunningMall) -> Iterator[dict[str, Stranger]]:
    known = {context: Stranger(address) for context, address in mall.addresses.items()}
    yield known
    for each in known.values():
        each.channel.close()


def test_reflection_names_each_service(strangers: dict[str, Stranger]) -> None:
    for context, stranger in strangers.items():
        own = f"mallbots.{context}.v1.{context.capitalize()}Service"

        assert stranger.services == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            own,
        ]


def test_a_stranger_opens_a_store_by_reflection(strangers: dict[str, Stranger]) -> None:
    stores = strangers["stores"]

    opened = stores.call("OpenStore", name="Bookworm", location="level 1")

    assert stores.call("GetStore", store_id=opened.store_id).store.name == "Bookworm"


@pytest.mark.parametrize("kind", ["grpc", "operator"])
def test_every_service_says_that_it_is_healthy(mall: RunningMall, kind: str) -> None:
    for context, at in mall.services.items():
        stranger = Stranger(at[kind])
        own = [name for name in stranger.services if name.startswith("mallbots.")]
        stub = health_pb2_grpc.HealthStub(stranger.channel)
        answers = [stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status for name in ("", *own)]
        stranger.channel.close()

        assert own, context
        assert set(answers) == {health_pb2.HealthCheckResponse.SERVING}


async def test_prometheus_gets_exemplars_from_each_process_that_lead_to_traces(
    mall: RunningMall, receiver: OtlpReceiver
) -> None:
    async with mall.clients() as clients, open_day(clients) as day:
        await day.visit()

    led = set()
    for context, at in mall.services.items():
        kind, text = scraped(at["metrics"], OPENMETRICS)
        families = {family.name: family for family in parse_openmetrics(text)}
        exemplars = [sample.exemplar for family in families.values() for sample in family.samples if sample.exemplar]
        assert kind.startswith("application/openmetrics-text"), context
        assert "mallbots_build_info" in families or "mallbots_build" in families
        assert exemplars, context
        led |= {exemplar.labels["trace_id"] for exemplar in exemplars}
    await eventually(lambda: led <= {span.trace_id for span in receiver.spans}, seconds=30)


def test_an_older_prometheus_gets_plain_text(mall: RunningMall) -> None:
    for at in mall.services.values():
        kind, text = scraped(at["metrics"], "text/plain")

        names = {family.name for family in parse_plain_text(text)}
        assert kind.startswith("text/plain")
        assert any(name.startswith("mallbots_outbox") for name in names)


def test_a_repeat_gets_the_first_answer(strangers: dict[str, Stranger]) -> None:
    customers = strangers["customers"]

    answers = [
        customers.call("RegisterCustomer", "once", name="Amina Berg", sms_number="+49 30 5550001") for _ in range(3)
    ]

    assert len({answer.customer_id for answer in answers}) == 1


def test_a_key_serves_for_one_content_only(strangers: dict[str, Stranger]) -> None:
    customers = strangers["customers"]
    customers.call("RegisterCustomer", "taken", name="Ben Costa", sms_number="+49 30 5550002")

    refused = customers.refusal("RegisterCustomer", "taken", name="Ben Adler", sms_number="+49 30 5550002")

    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "idempotency-key" in refused.details()


def test_a_refusal_is_repeated_too(strangers: dict[str, Stranger]) -> None:
    customers = strangers["customers"]
    registered = customers.call("RegisterCustomer", name="Chiara Dubois", sms_number="+49 30 5550003")

    first = customers.refusal("EnableCustomer", "refused-once", customer_id=registered.customer_id)
    customers.call("DisableCustomer", customer_id=registered.customer_id)
    again = customers.refusal("EnableCustomer", "refused-once", customer_id=registered.customer_id)

    assert first.code() is again.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert first.details() == again.details()


def test_a_wrong_field_is_named(strangers: dict[str, Stranger]) -> None:
    refused = strangers["stores"].refusal("OpenStore", name="", location="level 1")

    (detail,) = rpc_status.from_call(refused).details
    request = error_details_pb2.BadRequest()
    assert detail.Unpack(request)
    assert [violation.field for violation in request.field_violations] == ["name"]
    assert dict(refused.trailing_metadata())["error-code"] == "InvalidInput"


def test_an_unknown_id_is_not_found(strangers: dict[str, Stranger]) -> None:
    asked = [(stranger, method) for stranger in strangers.values() for method in stranger.methods.values()]
    about_one = [(stranger, method) for stranger, method in asked if takes_ids_only(method)]

    codes = {
        f"{stranger.services[-1]}/{method.name}": stranger.refusal(
            method.name, **{field.name: "no-such-thing" for field in method.input_type.fields}
        ).code()
        for stranger, method in about_one
    }

    assert sum("/Get" in name for name in codes) >= 8
    assert len(codes) >= 20
    assert {name: code for name, code in codes.items() if code is not grpc.StatusCode.NOT_FOUND} == {}


def test_pages_hold_everything_once(strangers: dict[str, Stranger]) -> None:
    customers = strangers["customers"]
    registered = [
        customers.call("RegisterCustomer", name=f"Guest {number}", sms_number="+49 30 5550004").customer_id
        for number in range(CUSTOMERS)
    ]

    pages = list(pages_of(customers, "ListCustomers", page_size=50))

    listed = [customer.customer_id for page in pages for customer in page.customers]
    assert [len(page.customers) for page in pages[:-1]] == [50] * (len(pages) - 1)
    assert len(listed) == len(set(listed)) >= CUSTOMERS
    assert set(registered) <= set(listed)


def test_a_wrong_page_is_refused(strangers: dict[str, Stranger]) -> None:
    lists = [
        (stranger, name) for stranger in strangers.values() for name in stranger.methods if name.startswith("List")
    ]

    for stranger, name in lists:
        for wrong in ({"page_size": -1}, {"page_size": 100_000}, {"page_token": "no token"}):
            assert stranger.refusal(name, **wrong).code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(lists) >= 6


def test_operators_get_json(mall: RunningMall) -> None:
    here = ("--data", str(mall.data), "--json")

    lag = mallbots_here("lag", *here).answer
    doctor = mallbots_here("doctor", *here).answer
    parked = mallbots_here("parked", "list", *here).answer
    tail = mallbots_here("events", "tail", "--from", "start", "--no-follow", *here)

    assert {each["group"] for each in lag} == {"baskets", "customers", "depot", "ordering", "payments"}
    assert doctor["healthy"], doctor["findings"]
    assert {each["about"] for each in doctor["findings"]} >= {*CONTEXTS, "Redis", "Python"}
    assert parked == []
    assert all(json.loads(line)["id"] for line in tail.lines)


async def test_a_replay_is_applied_to_its_end(mall: RunningMall) -> None:
    async with mall.clients() as clients, open_day(clients) as day:
        await day.visit()

    here = ("--data", str(mall.data), "--json")
    replayed = (await asyncio.to_thread(mallbots, "replay", "baskets", "--from", "start", *here)).answer

    async with open_operators(mall.data) as operators:
        assert await until_quiet(operators, seconds=60) == ""
    assert replayed["group"] == "baskets" and replayed["messages"] > 0


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("flow", "no-such-id"), "nobody knows the id no-such-id"),
        (("parked", "show", "ordering:1"), "no parked message has the id"),
        (("parked", "retry", "ordering:1"), "no parked message has the id"),
        (("parked", "discard", "nowhere:1"), "there is no context 'nowhere'"),
        (("replay", "ordering.nobody", "--from", "start"), "no consumer group"),
        (("replay", "baskets", "--from", "1", "--source", "depot"), "subscribes to stores only"),
        (("events", "tail", "--context", "nowhere"), "there is no context 'nowhere'"),
    ],
)
def test_what_is_not_there_is_said_in_a_line(mall: RunningMall, arguments: tuple[str, ...], told: str) -> None:
    finished = mallbots_here(*arguments, "--data", str(mall.data))

    assert finished.code == 1
    assert told in finished.refusal


def takes_ids_only(method: MethodDescriptor) -> bool:
    """Such as `GetOrder` and `HandOver`; a new basket's customer may be anybody, as far as baskets knows."""
    fields = [field.name for field in method.input_type.fields]
    return bool(fields) and all(name.endswith("_id") for name in fields) and method.name != "StartBasket"


def pages_of(stranger: Stranger, method: str, page_size: int) -> Iterator[Any]:
    token = ""
    while True:
        page = stranger.call(method, page_size=page_size, page_token=token)
        yield page
        token = page.next_page_token
        if not token:
            return


def scraped(url: str, accept: str) -> tuple[str, str]:
    """Content type and text."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers={"Accept": accept}), timeout=30) as response:
        return response.headers["Content-Type"], response.read().decode()
