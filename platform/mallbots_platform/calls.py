"""How gRPC calls reach the database: reads in a reader's thread, writes through the writer, each at most once."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from mallbots_platform.admission import LONGEST_WAIT_SECONDS, Admission
from mallbots_platform.causes import Cause
from mallbots_platform.errors import AlreadyExists, RuleViolated
from mallbots_platform.readers import Readers
from mallbots_platform.requests import Incoming, Repeated, Requests
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from telemetry.tracing import TraceContext

M = TypeVar("M", bound=Message)


class ProcessCalls:
    def __init__(
        self,
        writer: Writer,
        readers: Readers,
        requests: Requests,
        meter: Meter,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._requests = requests
        self._writing = Admission("writer", lambda: writer.expected_seconds, longest_wait, meter)
        self._reading = Admission("readers", lambda: readers.expected_seconds, longest_wait, meter)

    def may_read(self, patience: float) -> None:
        """Raises Overloaded, as `may_write` does, for a call that is given up after so many seconds."""
        self._reading.check(patience)

    def may_write(self, patience: float) -> None:
        self._writing.check(patience)

    async def read(self, work: Callable[[], Message]) -> Message:
        return await self._readers.run(work)

    async def write(
        self, incoming: Incoming, work: Callable[[], Message], response_type: type[Message], trace: TraceContext
    ) -> Message:
        cause = Cause(incoming.id, incoming.correlation_id, trace)
        try:
            once = partial(self._requests.once, incoming, work, response_type)
            return await self._writer.run(once, cause, until=incoming.until)
        except (RuleViolated, AlreadyExists) as refusal:
            if isinstance(refusal, Repeated) or not incoming.key:
                raise
            told = refusal
            earlier = await self._writer.run(lambda: self._requests.refused(incoming, told, response_type))
            if earlier is None:
                raise
            return earlier
