"""The outbox log of another context, read over its operator service."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import now_us
from mallbots_platform.epochs import Epochs
from mallbots_platform.errors import PlatformError, Unavailable
from mallbots_platform.handling import Received
from mallbots_platform.partitions import StreamName

Operator = Any
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """Messages behind a number, and the epochs of their channel and partition."""

    messages: list[Received]
    epochs: Epochs


class SourceLog(Protocol):
    """The outbox of the context that publishes."""

    async def read(self, stream: StreamName, after: int, limit: int) -> Page:
        """Messages above `after`. Raises Unavailable when the source does not answer."""


class OperatorSourceLog:
    """`operator_of(context)` gives a client of that context's operator service."""

    def __init__(self, operator_of: Callable[[str], Awaitable[Operator]]) -> None:
        self._operator_of = operator_of

    async def read(self, stream: StreamName, after: int, limit: int) -> Page:
        """Raises Unavailable when the source does not answer."""
        request = pb.ReadLogRequest(
            channel=stream.channel, partition=stream.partition, after_sequence=after, limit=min(limit, 1000)
        )
        try:
            operator = await self._operator_of(stream.source)
            log = await operator.ReadLog(request, timeout=ANSWER_SECONDS)
        except PlatformError as error:
            raise Unavailable(f"{stream.source} does not tell its log: {error}") from error
        received_at, unknown = now_us(), 0  # a log does not know when each of its messages got into the stream
        messages = [Received(entry.sequence, entry.envelope, unknown, received_at) for entry in log.entries]
        firsts = tuple((epoch.first_sequence, epoch.id) for epoch in log.epochs)
        return Page(messages, Epochs(firsts, log.last_sequence, log.message_id_at))
