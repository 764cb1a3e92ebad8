"""The operator services of all processes of a run; of a process that is gone, its database answers the same."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mallbots.directories import CONTEXTS, contexts_with_data, database_url
from mallbots.liveness import live_endpoints
from mallbots.reporting import Failed
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.operator_api import offline_operator

SERVICE = pb.DESCRIPTOR.services_by_name["OperatorService"]
DEADLINE_SECONDS = 10.0
PAGE = 200
IDS_AT_ONCE = 1000
MOST_PARTITIONS = 64
PEER = "MALLBOTS_PEER_OPERATOR"


class Operators:
    """`services` has the async methods of the operator service, by context; `running` are those of live processes."""

    def __init__(self, services: Mapping[str, Any], running: Iterable[str]) -> None:
        self.services = services
        self.running = frozenset(running)

    @property
    def contexts(self) -> list[str]:
        return sorted(self.services)

    def of(self, context: str) -> Any:
        """Raises Failed."""
        if context not in self.services:
            raise Failed(f"there is no context {context!r} here: choose from {', '.join(self.contexts)}")
        return self.services[context]

    async def ask(self, method: str, request: Any, contexts: Iterable[str] | None = None) -> dict[str, Any]:
        """The answers of all contexts, asked at the same time."""
        asked = list(self.contexts if contexts is None else contexts)
        calls = [getattr(self.of(context), method)(request, timeout=DEADLINE_SECONDS) for context in asked]
        return dict(zip(asked, await asyncio.gather(*calls), strict=True))

    async def messages(self, id: str) -> list[pb.LogEntry]:
        answers = await self.ask("FindMessages", pb.FindMessagesRequest(id=id))
        return [entry for answer in answers.values() for entry in answer.entries]

    async def deliveries(self, id: str) -> list[pb.Delivery]:
        answers = await self.ask("FindDeliveries", pb.FindDeliveriesRequest(id=id))
        return [delivery for answer in answers.values() for delivery in answer.deliveries]

    async def requests(self, ids: Iterable[str]) -> list[pb.Request]:
        """Those of the calls and timers that are known somewhere."""
        wanted, found = sorted(set(ids)), []
        for start in range(0, len(wanted), IDS_AT_ONCE):
            answers = await self.ask("FindRequests", pb.FindRequestsRequest(ids=wanted[start : start + IDS_AT_ONCE]))
            found += [request for answer in answers.values() for request in answer.requests]
        return found

    async def parked(self, group: str = "", state: str = "") -> list[tuple[str, pb.Parked]]:
        """What is set aside, with the context that did it, oldest first."""
        lists = await asyncio.gather(*(self._parked_in(context, group, state) for context in self.contexts))
        return sorted((pair for each in lists for pair in each), key=lambda pair: pair[1].parked_at)

    async def log(self, context: str, channel: str, partition: int, after: int = 0) -> list[pb.LogEntry]:
        """Everything after a sequence."""
        entries: list[pb.LogEntry] = []
        while True:
            request = pb.ReadLogRequest(channel=channel, partition=partition, after_sequence=after, limit=PAGE)
            answer = await self.of(context).ReadLog(request, timeout=DEADLINE_SECONDS)
            entries += answer.entries
            if not answer.entries or entries[-1].sequence >= answer.last_sequence:
                return entries
            after = entries[-1].sequence

    async def whole_log(self, context: str) -> list[pb.LogEntry]:
        """All channels, all partitions."""
        answer = await self.of(context).ReadLog(pb.ReadLogRequest(limit=1), timeout=DEADLINE_SECONDS)
        partitions = range(await self.partitions(context))
        logs = [await self.log(context, channel, partition) for channel in answer.channels for partition in partitions]
        return [entry for log in logs for entry in log]

    async def all_deliveries(self, context: str) -> list[pb.Delivery]:
        """In the order in which they were committed."""
        deliveries: list[pb.Delivery] = []
        while True:
            after = deliveries[-1].position if deliveries else 0
            request = pb.ReadDeliveriesRequest(after_position=after, limit=PAGE)
            answer = await self.of(context).ReadDeliveries(request, timeout=DEADLINE_SECONDS)
            deliveries += answer.deliveries
            if not answer.deliveries:
                return deliveries

    async def partitions(self, context: str) -> int:
        """A process that is gone may not know; then every number that could have been is tried."""
        status = await self.of(context).GetStatus(pb.GetStatusRequest(), timeout=DEADLINE_SECONDS)
        return status.partitions or MOST_PARTITIONS

    async def _parked_in(self, context: str, group: str, state: str) -> list[tuple[str, pb.Parked]]:
        found: list[tuple[str, pb.Parked]] = []
        while True:
            after = found[-1][1].id if found else 0
            request = pb.ListParkedRequest(group=group, state=state, after_id=after, limit=PAGE)
            answer = await self.of(context).ListParked(request, timeout=DEADLINE_SECONDS)
            found += [(context, parked) for parked in answer.parked]
            if not answer.parked:
                return found


def _addresses(data: Path) -> dict[str, str]:
    if peer := os.environ.get(PEER):
        return {context: peer.format(context=context) for context in CONTEXTS}
    return {context: endpoint.operator for context, endpoint in live_endpoints(data).items()}


@asynccontextmanager
async def open_operators(data: Path) -> AsyncIterator[Operators]:
    """Those of the processes in `data`; where MALLBOTS_PEER_OPERATOR says how a context is addressed, as in containers,
    those instead. Raises Failed when there is nothing to be asked."""
    live = _addresses(data)
    gone = [context for context in contexts_with_data(data) if context not in live]
    if not live and not gone:
        raise Failed(f"there is no data in {data}: start `mallbots up`, or say where with --data")
    async with AsyncExitStack() as stack:
        services: dict[str, Any] = {}
        for context, address in live.items():
            channel = open_channel(address)
            stack.push_async_callback(partial(channel.close, None))
            services[context] = client_for(channel, SERVICE)
        for context in gone:
            services[context] = offline_operator(database_url(data, context), context)
            stack.callback(services[context].close)
        yield Operators(services, live)
