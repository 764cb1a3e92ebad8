from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pytest import MonkeyPatch, fixture, raises

from contexts.customers.contract import customers_pb2 as pb
from loadtests.swarm.mall import Called, CallFailed, Mall, NotThere, Refused
from mallbots.directories import CONTEXTS
from mallbots.reporting import Failed

REGISTER = pb.RegisterCustomerRequest(name="Ada", sms_number="+49 30 1")
SERVICE = "mallbots.customers.v1.CustomersService"


class Kiosk:
    """A server that answers as it is told to, one answer after the other, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[grpc.StatusCode] = []
        self.metadata: list[dict[str, Any]] = []

    def serve(self, request: pb.RegisterCustomerRequest, context: grpc.ServicerContext) -> pb.RegisterCustomerResponse:
        self.metadata.append({key: value for key, value in context.invocation_metadata()})
        code = self.answers.pop(0) if self.answers else grpc.StatusCode.OK
        if code is not grpc.StatusCode.OK:
            context.abort(code, "as it was told to")
        return pb.RegisterCustomerResponse(customer_id="customer-1")


class Place:
    """The server, and a mall whose every context is that server."""

    def __init__(self, kiosk: Kiosk, address: str) -> None:
        self.kiosk = kiosk
        self.calls: list[Called] = []
        self.mall = Mall(dict.fromkeys(CONTEXTS, address), self.calls.append)

    def register(self, about: str = "") -> Any:
        return self.mall.change(self.mall.customers.RegisterCustomer, REGISTER, about)

    def ask(self) -> Any:
        return self.mall.look(self.mall.customers.RegisterCustomer, REGISTER)

    def sent(self, name: str) -> list[str]:
        return [each.get(name, "") for each in self.kiosk.metadata]


@fixture
def place() -> Iterator[Place]:
    kiosk = Kiosk()
    method = grpc.unary_unary_rpc_method_handler(
        kiosk.serve, pb.RegisterCustomerRequest.FromString, pb.RegisterCustomerResponse.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"RegisterCustomer": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield Place(kiosk, f"127.0.0.1:{port}")
    server.stop(None).wait()


def test_a_change_has_a_key_of_its_own(place: Place) -> None:
    place.register(about="order-1")
    place.register()

    keys = place.sent("idempotency-key")
    assert all(keys) and keys[0] != keys[1]
    assert place.sent("correlation-id") == ["order-1", ""]


def test_a_change_without_an_answer_is_sent_again(place: Place) -> None:
    place.kiosk.answers = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED]

    answer = place.register()

    assert answer.customer_id == "customer-1"
    assert len(place.sent("idempotency-key")) == 3
    assert len(set(place.sent("idempotency-key"))) == 1


def test_patience_comes_to_an_end(place: Place, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.swarm.mall.PATIENCE_SECONDS", 0.0)
    place.kiosk.answers = [grpc.StatusCode.UNAVAILABLE] * 5

    with raises(CallFailed, match="UNAVAILABLE: as it was told to"):
        place.register()

    assert 1 <= len(place.calls) <= 2


def test_a_refusal_is_an_answer(place: Place) -> None:
    place.kiosk.answers = [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION]

    with raises(NotThere):
        place.ask()
    with raises(Refused):
        place.ask()

    assert [call.error for call in place.calls] == [None, None]
    assert [call.status for call in place.calls] == ["NOT_FOUND", "FAILED_PRECONDITION"]


def test_what_the_mall_cannot_explain_is_a_failure(place: Place) -> None:
    place.kiosk.answers = [grpc.StatusCode.INTERNAL]

    with raises(CallFailed) as failure:
        place.ask()

    (call,) = place.calls
    assert call.error is failure.value
    assert call.method == "CustomersService/RegisterCustomer"


def test_every_attempt_is_measured(place: Place) -> None:
    place.kiosk.answers = [grpc.StatusCode.UNAVAILABLE]

    place.register()

    assert [call.status for call in place.calls] == ["UNAVAILABLE", "OK"]
    assert [call.error is None for call in place.calls] == [False, True]
    assert all(call.seconds > 0 for call in place.calls)
    assert place.calls[1].response_bytes > 0


def test_a_mall_elsewhere_is_never_called() -> None:
    with raises(Failed, match="loopback"):
        Mall(dict.fromkeys(CONTEXTS, "127.0.0.1:1") | {"depot": "192.168.7.7:50051"}, lambda call: None)
