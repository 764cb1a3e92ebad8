"""A process without telemetry, to see what telemetry costs: ids are made and travel, nothing is kept or counted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mallbots_platform import schema
from mallbots_platform.messages import Contract
from mallbots_platform.process import Process
from mallbots_platform.settings import Settings
from telemetry.bundle import Telemetry
from telemetry.logs import open_log
from telemetry.metrics import Meter
from telemetry.tracing import Tracer


class Nothing:
    """A counter, a gauge and a histogram."""

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None: ...
    def set(self, value: float) -> None: ...
    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None: ...
    def observe_many(self, amounts: Sequence[float], exemplar_of: object = None) -> None: ...


class SilentMeter(Meter):
    def counter(self, name: str, **labels: str) -> Nothing:
        return NOTHING

    def gauge(self, name: str, **labels: str) -> Nothing:
        return NOTHING

    def histogram(self, name: str, **labels: str) -> Nothing:
        return NOTHING


NOTHING = Nothing()


@asynccontextmanager
async def open_silent_process(contract: Contract, settings: Settings) -> AsyncIterator[Process]:
    """As `open_process`."""
    service = contract.context
    process = Process(contract, settings, Telemetry(Tracer(), SilentMeter(service), open_log(service)))
    try:
        process.create_tables(schema.metadata)
        yield process
    finally:
        await process.close()
