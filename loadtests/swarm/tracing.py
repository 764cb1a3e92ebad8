"""Every call of Locust begins a trace, and says that it is none of a real customer."""

from typing import Any

from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, filters

from telemetry.bundle import Telemetry, open_telemetry

SYNTHETIC = "synthetic"


def trace_calls() -> Telemetry:
    """From now on, of all channels that are opened. The stock package makes the spans, the platform sends them."""
    telemetry = open_telemetry("locust")
    telemetry.for_libraries()
    instrumentor: Any = GrpcInstrumentorClient
    instrumentor(filter_=filters.service_prefix("mallbots.")).instrument(request_hook=_describe)
    return telemetry


def be_synthetic() -> None:
    """For all calls of the greenlet that says so."""
    context.attach(baggage.set_baggage(SYNTHETIC, "true"))


def _describe(span: trace.Span, request: Any) -> None:
    """What a search asks for: whose order it is about, and that it is a test."""
    order = getattr(request, "order_id", "") or getattr(request, "basket_id", "")
    if order:
        span.set_attribute("messaging.message.conversation_id", order)
    span.set_attribute(SYNTHETIC, str(baggage.get_baggage(SYNTHETIC)))
