"""First cut."""

from dataclasses import dataclass
from typing import Any

import structlog

from telemetry.metrics import Meter
from telemetry.tracing import Tracer


@dataclass
class Telemetry:
    tracer: Tracer
    meter: Meter
    log: Any

    def close(self) -> None: ...


def open_telemetry(service: str) -> Telemetry:
    return Telemetry(Tracer(), Meter(), structlog.get_logger())
