"""First cut."""

from collections.abc import Callable, Mapping
from typing import Any


class Child:
    def inc(self, n: float = 1) -> None: ...
    def set(self, x: float) -> None: ...
    def observe(self, v: float, exemplar: Mapping[str, str] | None = None) -> None: ...


class Meter:
    def counter(self, name: str, **labels: str) -> Child:
        return Child()

    gauge = histogram = counter


class MetricsServer:
    address = "127.0.0.1:0"

    def close(self) -> None: ...


def serve_metrics(meter: Meter, address: str, health: Callable[[], Any]) -> MetricsServer:
    return MetricsServer()
