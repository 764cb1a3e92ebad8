"""Clients that the stock package instruments, and plain ones, continue through our servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import client_interceptor
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contexts.customers.contract import customers_pb2
from mallbots_platform.calls import ProcessCalls
from mallbots_platform.grpc_server import GrpcServer
from telemetry.bundle import Telemetry
from telemetry.logs import open_log
from telemetry.metrics import Meter
from telemetry.spans import Kind
from telemetry.testing import CapturedSpans
from telemetry.tracing import Provider, TraceContext, Tracer
from tests.support.otlp import TRACE, TRACEPARENT

SERVICE = customers_pb2.DESCRIPTOR.services_by_name["CustomersService"]
METHOD = SERVICE.methods_by_name["GetCustomer"]


@pytest.fixture
def spans() -> CapturedSpans:
    return CapturedSpans()


@pytest.fixture
def tracer(spans: CapturedSpans) -> Tracer:
    return Tracer(spans)


@asynccontextmanager
async def served(spans: CapturedSpans) -> AsyncIterator[str]:
    """The address of a server of the platform, whose every method answers with nothing."""

    async def answer(request: Any) -> Any:
        return GetMessageClass(METHOD.output_type)()

    no_calls: Any = SimpleNamespace(spec=ProcessCalls)
    server = GrpcServer(Telemetry(Tracer(spans), Meter("customers"), open_log("customers")), no_calls)
    server.add(SimpleNamespace(**{method.name: answer for method in SERVICE.methods}), SERVICE)
    try:
        yield await server.start("127.0.0.1:0")
    finally:
        await server.stop(0)


def ask(address: str, provider: trace.TracerProvider, metadata: tuple[tuple[str, str], ...] = ()) -> None:
    """A call of a client that the stock package instruments."""
    with grpc.insecure_channel(address) as plain:
        channel = intercept_channel(plain, client_interceptor(provider))  # type: ignore[no-untyped-call]  # it has no types
        call: Any = channel.unary_unary(
            f"/{SERVICE.full_name}/{METHOD.name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=GetMessageClass(METHOD.output_type).FromString,
        )
        call(GetMessageClass(METHOD.input_type)(), timeout=20, metadata=metadata)


async def test_a_stock_client_continues_through_our_server(spans: CapturedSpans) -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))

    async with served(spans) as address:
        await asyncio.to_thread(ask, address, provider)

    [client], [answered] = memory.get_finished_spans(), spans.spans
    context = client.get_span_context()
    assert context
    assert answered.kind is Kind.SERVER
    assert (answered.trace_id_hex, answered.origin.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert answered.origin.remote
    assert answered.name == f"{SERVICE.full_name}/GetCustomer"


async def test_a_stock_client_of_ours_joins_too(spans: CapturedSpans, tracer: Tracer) -> None:
    async with served(spans) as address:
        with tracer.span("shopping", parent=TraceContext(TRACEPARENT, "vendor=1", "customer=7")) as shopping:
            await asyncio.to_thread(ask, address, Provider(tracer))

    [answered] = [span for span in spans.spans if span.kind is Kind.SERVER]
    [client] = [span for span in spans.spans if span.kind is Kind.CLIENT]
    assert (client.trace_id_hex, client.origin.parent_id) == (TRACE, shopping.span_id_hex)
    assert (answered.trace_id_hex, answered.origin.parent_id) == (TRACE, client.span_id_hex)
    assert answered.context[1:] == ("vendor=1", "customer=7")


async def test_a_plain_client_begins_a_trace(spans: CapturedSpans) -> None:
    async with served(spans) as address:
        await asyncio.to_thread(ask, address, trace.NoOpTracerProvider())

    [answered] = spans.spans
    assert answered.origin.parent_id == ""
