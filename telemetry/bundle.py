"""What a process says about itself: one tracer, one meter, one log of troubles and one of facts."""

import contextlib
import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AttributeValue

from telemetry.export import SpanExporter
from telemetry.facts import Tell, nobody_listens, open_facts
from telemetry.heeded import not_heeded
from telemetry.library_lines import take_lines_of_libraries
from telemetry.logs import open_log
from telemetry.metrics import Meter
from telemetry.otlp import encode_resource
from telemetry.tracing import Provider, Tracer
from telemetry.transports import transport_from_environment

SOMEWHERE = ("192.0.2.1", 9)  # an address that is nobody's, by RFC 5737


@dataclass(frozen=True, slots=True)
class Telemetry:
    tracer: Tracer
    meter: Meter
    log: Any
    facts: Tell = nobody_listens

    def untraced(self) -> "Telemetry":
        """For what nobody needs to see, such as an operator's questions: ids are passed on, spans are not kept."""
        return replace(self, tracer=Tracer())

    def for_libraries(self) -> None:
        """Let instrumented libraries of this process join our traces, and all of them our lines. Once in its life."""
        trace.set_tracer_provider(Provider(self.tracer))
        take_lines_of_libraries(self.log)

    def close(self) -> None:
        self.tracer.close()


def open_telemetry(service: str, environ: Mapping[str, str] = os.environ) -> Telemetry:
    """Exports spans where `OTEL_EXPORTER_OTLP_ENDPOINT` says; nothing, when it says nothing. Raises ValueError."""
    meter = Meter(service)
    meter.gauge("mallbots_build_info", version=own_version(), python=platform.python_version()).set(1)
    log = open_log(service)
    for sentence in not_heeded(environ):
        log.warning("setting not heeded", reason=sentence)
    return Telemetry(_tracer(service, meter, log, environ), meter, log, open_facts(service, log))


def _tracer(service: str, meter: Meter, log: Any, environ: Mapping[str, str]) -> Tracer:
    wanted = environ.get("MALLBOTS_TRACER", "lean")
    if wanted not in ("lean", "sdk"):
        raise ValueError(f"MALLBOTS_TRACER is {wanted!r}, must be lean or sdk")
    transport = transport_from_environment(environ)
    if transport is None:
        return Tracer()
    resource = resource_of(service)
    if wanted == "sdk":
        from telemetry.sdk_tracer import sdk_tracer

        return sdk_tracer(resource)
    return Tracer(SpanExporter(transport, encode_resource(resource), meter, log))


def resource_of(service: str) -> Resource:
    """What all spans of this process have in common; `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` go first.

    By `ip` Jaeger knows which of them come from one clock, and need no guess at how far two are apart.
    """
    ours: Mapping[str, AttributeValue] = {
        "service.namespace": "mallbots",
        "service.version": own_version(),
        "service.instance.id": str(uuid4()),
        "host.name": socket.gethostname(),
        "ip": own_address(),
        "process.pid": os.getpid(),
    }
    told = Resource.create()
    is_named = not str(told.attributes["service.name"]).startswith("unknown_service")
    return Resource(ours).merge(told).merge(Resource({} if is_named else {"service.name": service}))


def own_address() -> str:
    """By which this machine speaks to others, as far as it does. Nothing is sent, and no resolver asked."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.connect(SOMEWHERE)
        return str(unused.getsockname()[0])
    return "127.0.0.1"


def own_version() -> str:
    try:
        return version("mallbots")
    except PackageNotFoundError:  # run from the source tree
        return "0.1.0"
