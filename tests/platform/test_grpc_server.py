"""The server's half of a call: deadlines, limits, health, reflection, traces, and how it leaves."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from opentelemetry import trace
from opentelemetry.instrumentation import grpc as stock
from opentelemetry.instrumentation.grpc import grpcext
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode

from mallbots_platform import errors, grpc_server
from mallbots_platform.grpc_server import LARGEST_MESSAGE, SHORTEST_PING_INTERVAL_MS, GrpcServer
from tests.support.echo import METHODS, NAME, SERVICE, Echo, EchoApi, Note, call, refuse_with, span_of, trailer
from tests.support.world import eventually

Code = grpc.StatusCode


class IsClosed(errors.RuleViolated):
    pass


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(f"sqlite:///{tmp_path / 'echo.db'}")


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_is_answered_and_measured(echo: Echo, method: str) -> None:
    echo.api.finish.set()

    answer = await call(echo, method, Note(text="ü", number=6))

    assert (answer.text, answer.number) == ("ü", 7)
    assert echo.calls(method, "OK") == 1
    span = span_of(echo, method)
    assert span.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{NAME}/{method}",
        "rpc.response.status_code": "OK",
    }


async def test_a_refused_change_is_undone(echo: Echo) -> None:
    echo.api.before = refuse_with(IsClosed("closed"))

    await call(echo, "Change")

    assert await echo.parts.published() == []


async def test_a_message_of_another_kind_is_refused(echo: Echo) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await echo.raw("Change")(b"\x0a\xff\xff\xff\xff\x0f")

    assert refused.value.code() is Code.INVALID_ARGUMENT
    assert refused.value.details() == "request: is no mallbots.tests.v1.Note"
    assert echo.api.begun == 0


async def test_a_message_that_is_too_large_is_refused(echo: Echo) -> None:
    refused = await call(echo, "Look", Note(text="x" * (LARGEST_MESSAGE + 1)))

    assert refused.code() is Code.RESOURCE_EXHAUSTED
    assert echo.api.begun == 0
    assert (await call(echo, "Look", Note(text="x" * (LARGEST_MESSAGE - 100)))).number == 1


@pytest.mark.parametrize("name", [f"{NAME}/Erase", "mallbots.tests.v1.OtherService/Look"])
async def test_an_unknown_method_is_unimplemented(echo: Echo, name: str) -> None:
    calling: Any = echo.channel.unary_unary

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await calling(f"/{name}")(b"")

    assert refused.value.code() is Code.UNIMPLEMENTED


async def test_no_call_takes_for_ever(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_server, "LONGEST_CALL_SECONDS", 0.05)

    refused = await call(echo, "Wait")

    assert (refused.code(), refused.details()) == (Code.DEADLINE_EXCEEDED, "the call took too long")
    assert trailer(refused, "error-code") == "TimeoutError"
    assert span_of(echo, "Wait").status is StatusCode.ERROR


async def test_a_call_ends_when_its_caller_gives_up(echo: Echo) -> None:
    refused = await call(echo, "Wait", timeout=0.2)

    assert refused.code() is Code.DEADLINE_EXCEEDED
    await eventually(lambda: echo.calls("Wait", "CANCELLED") + echo.calls("Wait", "DEADLINE_EXCEEDED") == 1)
    assert span_of(echo, "Wait").ended_ns


async def test_a_cancelled_call_ends_its_span(echo: Echo) -> None:
    calling = asyncio.create_task(call(echo, "Wait"))
    await eventually(lambda: echo.api.begun)

    calling.cancel()

    await eventually(lambda: echo.calls("Wait", "CANCELLED") == 1)
    span = span_of(echo, "Wait")
    assert span.attributes["rpc.response.status_code"] == "CANCELLED"
    assert (bool(span.ended_ns), span.status) == (True, StatusCode.UNSET)


async def test_a_change_outlives_its_cancelled_call(echo: Echo) -> None:
    key = (("idempotency-key", "once"),)
    slow = asyncio.Event()
    loop = asyncio.get_running_loop()
    echo.api.before = lambda note: asyncio.run_coroutine_threadsafe(slow.wait(), loop).result(20)
    calling = asyncio.create_task(call(echo, "Change", metadata=key))
    await eventually(lambda: echo.api.begun)

    calling.cancel()
    await eventually(lambda: echo.calls("Change", "CANCELLED") == 1)
    slow.set()

    assert (await call(echo, "Change", metadata=key)).number == 2
    assert len(await echo.parts.published()) == 1
    assert echo.api.begun == 1


async def test_there_is_a_limit_to_calls_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_server, "MOST_CALLS_AT_ONCE", 2)
    async with Echo(f"sqlite:///{tmp_path / 'echo.db'}") as echo:
        waiting = [asyncio.create_task(call(echo, "Wait")) for _ in range(2)]
        await eventually(lambda: echo.api.begun == 2)

        assert (await call(echo, "Look")).code() is Code.RESOURCE_EXHAUSTED

        echo.api.finish.set()
        assert [(await each).number for each in waiting] == [2, 2]
        assert (await call(echo, "Look")).number == 2


async def test_stopping_finishes_the_calls_under_way(echo: Echo) -> None:
    under_way = asyncio.create_task(call(echo, "Wait"))
    await eventually(lambda: echo.api.begun)

    stopping = asyncio.create_task(echo.server.stop(20))
    await eventually(lambda: is_refused(echo))
    echo.api.finish.set()

    assert (await under_way).number == 2
    await asyncio.wait_for(stopping, 10)


async def is_refused(echo: Echo) -> bool:
    refused = await call(echo, "Look")
    return isinstance(refused, grpc.aio.AioRpcError) and refused.code() is Code.UNAVAILABLE


async def test_stopping_waits_no_longer_than_it_was_told(echo: Echo) -> None:
    under_way = asyncio.create_task(call(echo, "Wait"))
    await eventually(lambda: echo.api.begun)

    await asyncio.wait_for(echo.server.stop(0.05), 10)

    assert (await under_way).code() in (Code.CANCELLED, Code.UNAVAILABLE)
    assert echo.calls("Wait", "CANCELLED") == 1


async def test_health_is_told_for_all_and_for_each(echo: Echo) -> None:
    health = health_pb2_grpc.HealthStub(echo.channel)

    for service in ("", NAME):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await health.Check(health_pb2.HealthCheckRequest(service="another"))
    assert refused.value.code() is Code.NOT_FOUND


async def test_who_watches_health_hears_that_it_leaves(echo: Echo) -> None:
    watching = health_pb2_grpc.HealthStub(echo.channel).Watch(health_pb2.HealthCheckRequest(service=NAME))
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING

    stopping = asyncio.create_task(echo.server.stop(1))

    assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watching.cancel()
    await stopping


async def test_health_can_be_set(echo: Echo) -> None:
    health = health_pb2_grpc.HealthStub(echo.channel)

    await echo.server.set_serving(False)

    answer = await health.Check(health_pb2.HealthCheckRequest(service=NAME))
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_every_service(echo: Echo, version: str) -> None:
    asked = f"grpc.reflection.{version}.ServerReflection"
    channel: Any = echo.channel
    ask = channel.stream_stream(
        f"/{asked}/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )()

    await ask.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    services = {service.name for service in (await ask.read()).list_services_response.service}
    await ask.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=NAME))
    [raw] = (await ask.read()).file_descriptor_response.file_descriptor_proto
    await ask.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=asked))
    [of_itself] = (await ask.read()).file_descriptor_response.file_descriptor_proto
    await ask.done_writing()

    reflections = {f"grpc.reflection.{each}.ServerReflection" for each in ("v1", "v1alpha")}
    assert services == {NAME, "grpc.health.v1.Health", *reflections}
    assert FileDescriptorProto.FromString(of_itself).package == f"grpc.reflection.{version}"
    assert [method.name for method in FileDescriptorProto.FromString(raw).service[0].method] == list(METHODS)


async def test_an_api_that_lacks_a_method_is_refused(echo: Echo) -> None:
    class Half:
        Look = EchoApi.Look

    with pytest.raises(TypeError, match=r"Half lacks the method Change of mallbots\.tests\.v1\.EchoService"):
        GrpcServer(echo.parts.telemetry, echo.parts.calls).add(Half(), SERVICE)


async def test_an_address_that_is_taken_is_refused(echo: Echo) -> None:
    another = GrpcServer(echo.parts.telemetry, echo.parts.calls)

    with pytest.raises(errors.Unavailable, match=f"cannot listen on {echo.address}: it is in use"):
        await another.start(echo.address)


async def test_a_change_knows_its_cause(echo: Echo) -> None:
    metadata = (("idempotency-key", "key-1"), ("correlation-id", "conversation"))

    await call(echo, "Change", metadata=metadata)

    [noted] = await echo.parts.published()
    [(request_id, key)] = await echo.parts.rows("SELECT request_id, key FROM idempotency_keys")
    assert (noted.causationid, key) == (request_id, "key-1")
    assert noted.causationid != key
    assert noted.correlationid == "conversation"
    assert noted.trace_id == span_of(echo, "Change").trace_id_hex
    [created] = echo.parts.spans.named("create echo.Noted")
    assert created.origin.parent_id == span_of(echo, "Change").span_id_hex


async def test_a_change_without_metadata_has_a_cause_too(echo: Echo) -> None:
    await call(echo, "Change")

    [noted] = await echo.parts.published()
    assert await echo.parts.rows("SELECT method FROM requests WHERE id = ?", noted.causationid) == [(f"{NAME}/Change",)]


async def test_the_callers_trace_goes_on(echo: Echo) -> None:
    metadata = (("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"), ("tracestate", "vendor=1"), ("baggage", "synthetic=1"))

    await call(echo, "Change", metadata=metadata)

    span = span_of(echo, "Change")
    assert (span.trace_id_hex, span.origin.parent_id, span.origin.tracestate) == ("a" * 32, "b" * 16, "vendor=1")
    [noted] = await echo.parts.published()
    assert (noted.trace_id, noted.tracestate, noted.baggage) == ("a" * 32, "vendor=1", "synthetic=1")


@pytest.mark.parametrize("traceparent", ["", "00", f"00-{'0' * 32}-{'b' * 16}-01", "x" * 55, f"00-{'a' * 32}"])
async def test_a_trace_that_is_none_begins_anew(echo: Echo, traceparent: str) -> None:
    await call(echo, "Look", metadata=(("traceparent", traceparent),))

    span = span_of(echo, "Look")
    assert span.origin.parent_id == ""
    assert int(span.trace_id_hex, 16)


async def test_a_stock_instrumented_client_continues_its_trace(echo: Echo) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    instrumented: Any = stock.client_interceptor
    intercepted: Any = grpcext.intercept_channel

    def call_as_others_do() -> int:
        with grpc.insecure_channel(echo.address) as plain:
            channel = intercepted(plain, instrumented(tracer_provider=provider))
            with provider.get_tracer("test").start_as_current_span("click") as click:
                channel.unary_unary(f"/{NAME}/Change")(Note(text="x").SerializeToString())
                return int(click.get_span_context().trace_id)

    trace_id = await asyncio.to_thread(call_as_others_do)

    span = span_of(echo, "Change")
    assert span.trace_id_hex == trace.format_trace_id(trace_id)
    assert span.origin.remote
    [noted] = await echo.parts.published()
    assert noted.trace_id == span.trace_id_hex


async def test_who_keeps_an_idle_connection_alive_is_not_sent_away(echo: Echo) -> None:
    interval = SHORTEST_PING_INTERVAL_MS + 200
    options = (
        ("grpc.keepalive_time_ms", interval),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    )
    async with grpc.aio.insecure_channel(echo.address, options) as channel:
        await channel.channel_ready()

        await asyncio.sleep(5 * interval / 1000)  # the fourth ping that comes too early would be the last

        assert channel.get_state() is grpc.ChannelConnectivity.READY
