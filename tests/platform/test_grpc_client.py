"""The client's half of a call: errors come back as what they were, and every call is traced, measured and bounded."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.trace import StatusCode

from mallbots_platform import errors
from mallbots_platform.grpc_client import Client, Refused, client_for, open_channel
from mallbots_platform.grpc_server import LARGEST_MESSAGE
from telemetry.spans import Kind
from tests.support.echo import NAME, SERVICE, Echo, Note
from tests.support.world import eventually


class IsClosed(errors.RuleViolated):
    pass


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(f"sqlite:///{tmp_path / 'echo.db'}")


def refuse_with(error: Exception) -> Any:
    def before(note: Any) -> None:
        raise error

    return before


def traced_client(echo: Echo) -> Client:
    return client_for(echo.channel, SERVICE, echo.parts.telemetry)


def client_calls(echo: Echo, status: str) -> float:
    counted = "rpc_client_call_duration_seconds_count"
    return echo.parts.measured(counted, rpc_method=f"{NAME}/Wait", status=status)


async def test_it_has_a_method_for_each_of_the_service(echo: Echo) -> None:
    answer = await echo.client.Look(Note(text="ü", number=1))

    assert (answer.text, answer.number) == ("ü", 2)
    with pytest.raises(AttributeError, match="the service has no method Erase"):
        _ = echo.client.Erase


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidInput("text", "is odd, ü"),
        errors.NotFound("note", "1"),
        errors.AlreadyExists("note", "1"),
        errors.Conflict("it has moved on"),
        errors.Unavailable("the bank is away"),
    ],
)
async def test_an_error_comes_back_as_what_it_was(echo: Echo, error: errors.PlatformError) -> None:
    echo.api.before = refuse_with(error)

    with pytest.raises(type(error)) as told:
        await echo.client.Wait(Note())

    assert type(told.value) is type(error)
    assert str(told.value) == str(error)


async def test_an_invalid_field_keeps_its_name(echo: Echo) -> None:
    echo.api.before = refuse_with(errors.InvalidInput("items[0].price", "is negative"))

    with pytest.raises(errors.InvalidInput) as told:
        await echo.client.Look(Note())

    assert (told.value.field, told.value.problem) == ("items[0].price", "is negative")


async def test_a_refusal_comes_with_its_code(echo: Echo) -> None:
    echo.api.before = refuse_with(IsClosed("the shop is closed"))

    with pytest.raises(Refused, match="the shop is closed") as told:
        await echo.client.Change(Note())

    assert told.value.code == "IsClosed"
    assert isinstance(told.value, errors.RuleViolated)


async def test_a_bug_over_there_is_no_refusal(echo: Echo) -> None:
    echo.api.before = refuse_with(ZeroDivisionError("secret"))

    with pytest.raises(errors.PlatformError, match="INTERNAL: something went wrong here") as told:
        await echo.client.Look(Note())

    assert type(told.value) is errors.PlatformError


async def test_an_argument_without_details_is_invalid_all_the_same() -> None:
    async def refuse(raw: bytes, context: Any) -> None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no details")

    server = grpc.aio.server()
    handlers = {"Look": grpc.unary_unary_rpc_method_handler(refuse)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(errors.InvalidInput, match="request: no details"):
            await client_for(channel, SERVICE).Look(Note())
    await server.stop(None)


async def test_nobody_there_is_unavailable() -> None:
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(errors.Unavailable):
            await client_for(channel, SERVICE).Look(Note(), timeout=5)


async def test_no_answer_in_time_is_unavailable(echo: Echo) -> None:
    with pytest.raises(errors.Unavailable):
        await echo.client.Wait(Note(), timeout=0.05)


async def test_too_large_a_request_is_unavailable(echo: Echo) -> None:
    with pytest.raises(errors.Unavailable):
        await echo.client.Look(Note(text="x" * (LARGEST_MESSAGE + 1)))


async def test_a_server_that_leaves_is_unavailable(echo: Echo) -> None:
    under_way = asyncio.ensure_future(echo.client.Wait(Note(), timeout=20))
    await eventually(lambda: echo.api.begun)

    await echo.server.stop(0)

    with pytest.raises(errors.Unavailable):
        await under_way


async def test_a_server_that_comes_back_is_found_again(echo: Echo) -> None:
    await echo.server.stop(0)
    with pytest.raises(errors.Unavailable):
        await echo.client.Look(Note(), timeout=2)

    async with Echo(echo.parts.url) as again:
        async with open_channel(again.address) as channel:
            assert (await client_for(channel, SERVICE).Look(Note())).number == 1


async def test_a_call_is_traced_into_the_server(echo: Echo) -> None:
    client = traced_client(echo)
    tracer = echo.parts.telemetry.tracer
    echo.api.finish.set()

    with tracer.span("click") as click:
        await client.Wait(Note(), metadata=(("correlation-id", "conversation"),))

    by_kind = {span.kind: span for span in echo.parts.spans.named(f"{NAME}/Wait")}
    assert {span.trace_id_hex for span in by_kind.values()} == {click.trace_id_hex}
    assert by_kind[Kind.CLIENT].origin.parent_id == click.span_id_hex
    assert by_kind[Kind.SERVER].origin.parent_id == by_kind[Kind.CLIENT].span_id_hex
    assert by_kind[Kind.CLIENT].attributes["rpc.response.status_code"] == "OK"
    assert client_calls(echo, "OK") == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IsClosed("closed"), "FAILED_PRECONDITION"),
        (errors.Unavailable("away"), "UNAVAILABLE"),
        (KeyError("x"), "INTERNAL"),
    ],
)
async def test_a_refused_call_fails_its_span(echo: Echo, error: Exception, status: str) -> None:
    echo.api.before = refuse_with(error)

    with pytest.raises(errors.PlatformError):
        await traced_client(echo).Wait(Note())

    [span] = [span for span in echo.parts.spans.spans if span.kind is Kind.CLIENT]
    assert (span.attributes["rpc.response.status_code"], span.status) == (status, StatusCode.ERROR)
    assert client_calls(echo, status) == 1


async def test_a_cancelled_call_is_passed_on_and_counted(echo: Echo) -> None:
    calling = asyncio.ensure_future(traced_client(echo).Wait(Note()))
    await eventually(lambda: echo.api.begun)

    calling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await calling
    await eventually(lambda: echo.calls("Wait", "CANCELLED") == 1)
    assert client_calls(echo, "CANCELLED") == 1
    assert all(span.ended_ns for span in echo.parts.spans.spans)
