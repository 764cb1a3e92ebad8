"""The outbox log of another context, read over its operator service."""

from collections.abc import Awaitable, Callable
from typing import Any

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import now_us
from mallbots_platform.errors import PlatformError, Unavailable
from mallbots_platform.handling import Received
from mallbots_platform.partitions import StreamName

Operator = Any
ANSWER_SECONDS = 5.0


class OperatorSourceLog:
    """`operator_of(context)` gives a client of that context's operator service."""

    def __init__(self, operator_of: Callable[[str], Awaitable[Operator]]) -> None:
        self._operator_of = operator_of

    async def read(self, stream: StreamName, after: int, limit: int) -> tuple[list[Received], int]:
        """Raises Unavailable when the source does not answer."""
        request = pb.ReadLogRequest(
            channel=stream.channel, partition=stream.partition, after_sequence=after, limit=min(limit, 1000)
        )
        try:
            operator = await self._operator_of(stream.source)
            log = await operator.ReadLog(request, timeout=ANSWER_SECONDS)
        except PlatformError as error:
            raise Unavailable(f"{stream.source} does not tell its log: {error}") from error
        received_at = now_us()
        entries = [
            Received(entry.sequence, entry.envelope, entry.published_at or received_at, received_at)
            for entry in log.entries
        ]
        return entries, log.last_sequence
