"""The operator service of a running process, and of the database file of one that is gone."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.aside import Aside
from mallbots_platform.database import Database
from mallbots_platform.errors import InvalidInput, NotFound, RuleViolated, Unavailable
from mallbots_platform.faults import Faults
from mallbots_platform.lag import LagReader
from mallbots_platform.operator_queries import OperatorQueries
from mallbots_platform.outbox import Outbox
from mallbots_platform.parking import QUEUED, ParkingLot
from mallbots_platform.passed_over import PassedOver
from mallbots_platform.readers import Readers
from mallbots_platform.settling import Parting
from mallbots_platform.subscriptions import Subscription
from mallbots_platform.timers import Timers
from mallbots_platform.work_queues import WorkQueue
from mallbots_platform.writer import Writer

T = TypeVar("T")
G = TypeVar("G")
SERVICE = pb.DESCRIPTOR.services_by_name["OperatorService"]


class Holder(Protocol):
    """Whatever sets messages aside."""

    @property
    def lot(self) -> ParkingLot: ...
    def retry_soon(self) -> None: ...
    def discard(self, id: int) -> None: ...


class OperatorReads:
    """The part that needs a database only."""

    def __init__(self, queries: OperatorQueries, readers: Readers) -> None:
        self._queries = queries
        self._readers = readers

    async def _ask(self, query: Callable[[Any], T], request: Any) -> T:
        return await self._readers.run(partial(query, request))

    async def ReadLog(self, request: pb.ReadLogRequest, **_: Any) -> pb.ReadLogResponse:
        return await self._ask(self._queries.read_log, request)

    async def FindMessages(self, request: pb.FindMessagesRequest, **_: Any) -> pb.FindMessagesResponse:
        return await self._ask(self._queries.find_messages, request)

    async def ReadDeliveries(self, request: pb.ReadDeliveriesRequest, **_: Any) -> pb.ReadDeliveriesResponse:
        return await self._ask(self._queries.read_deliveries, request)

    async def FindDeliveries(self, request: pb.FindDeliveriesRequest, **_: Any) -> pb.FindDeliveriesResponse:
        return await self._ask(self._queries.find_deliveries, request)

    async def FindRequests(self, request: pb.FindRequestsRequest, **_: Any) -> pb.FindRequestsResponse:
        return await self._ask(self._queries.find_requests, request)

    async def ListParked(self, request: pb.ListParkedRequest, **_: Any) -> pb.ListParkedResponse:
        return await self._ask(self._queries.list_parked, request)

    async def ListSagas(self, request: pb.ListSagasRequest, **_: Any) -> pb.ListSagasResponse:
        return await self._ask(self._queries.list_sagas, request)

    async def ListLost(self, request: pb.ListLostRequest, **_: Any) -> pb.ListLostResponse:
        return pb.ListLostResponse(messages=await self._readers.run(self._queries.list_lost))

    async def GetTotals(self, request: pb.GetTotalsRequest, **_: Any) -> pb.GetTotalsResponse:
        return await self._readers.run(self._queries.totals)


class OperatorApi(OperatorReads):
    """All of it. `status` describes the process; parked messages and replays belong to its subscriptions."""

    def __init__(
        self,
        queries: OperatorQueries,
        readers: Readers,
        writer: Writer,
        subscriptions: Mapping[str, Subscription],
        queues: Mapping[str, WorkQueue],
        lag: LagReader,
        status: Callable[[], pb.GetStatusResponse],
        faults: Faults,
        aside: Aside,
        outbox: Outbox,
        timers: Timers,
        passed_over: Mapping[str, PassedOver],
    ) -> None:
        super().__init__(queries, readers)
        self._aside = aside
        self._outbox = outbox
        self._timers = timers
        self._passed_over = passed_over
        self._writer = writer
        self._subscriptions = subscriptions
        self._queues = queues
        self._lag = lag
        self._status = status
        self._faults = faults

    async def GetStatus(self, request: pb.GetStatusRequest) -> pb.GetStatusResponse:
        return self._status()

    async def RetryParked(self, request: pb.RetryParkedRequest) -> pb.RetryParkedResponse:
        if bool(request.id) == bool(request.group):
            raise InvalidInput("id", "give either an id or a group, not both")
        if request.group:
            holder = self._found(request.group, self._holders)
            retried = await self._writer.run(holder.lot.retry_dead)
        else:
            holder = await self._holder(request.id)
            await self._writer.run(partial(_retry, holder.lot, request.id))
            retried = 1
        holder.retry_soon()
        return pb.RetryParkedResponse(retried=retried)

    async def DiscardParked(self, request: pb.DiscardParkedRequest) -> pb.DiscardParkedResponse:
        if request.id:
            holder = await self._holder(request.id)
            await self._writer.run(partial(holder.discard, request.id))
            holder.retry_soon()
            return pb.DiscardParkedResponse(discarded=1)
        discarded = await self._writer.run(partial(self._discard_all, set(request.ids)))
        for each in self._holders.values():
            each.retry_soon()
        return pb.DiscardParkedResponse(discarded=discarded)

    def _discard_all(self, ids: set[int]) -> int:
        """In one transaction; what somebody else has dealt with meanwhile is left out."""
        found = [(holder, id) for id in sorted(ids) for holder in self._holders.values() if holder.lot.holds(id)]
        for holder, id in found:
            holder.discard(id)
        return len(found)

    async def ListLost(self, request: pb.ListLostRequest, **_: Any) -> pb.ListLostResponse:
        """Also what waits to be settled. Raises Unavailable when a source does not say where they part."""
        answer = await super().ListLost(request)
        for group, subscription in self._subscriptions.items():
            for parting in await subscription.partings():
                answer.partings.append(_parting(group, parting))
                behind = partial(self._queries.lost_behind, group, parting.stream, parting.agreed.seq)
                answer.messages.extend(await self._readers.run(behind))
        return answer

    async def SettleLost(self, request: pb.SettleLostRequest) -> pb.SettleLostResponse:
        lost = sum([await each.go_on(request.source) for each in self._subscriptions.values()])
        if request.source != self._queries.context:
            return pb.SettleLostResponse(lost=lost)
        taken_back = await self._aside.take_back(self._outbox) if request.take_back else 0
        return pb.SettleLostResponse(lost=lost + await self._aside.give_up(), taken_back=taken_back)

    async def GetLag(self, request: pb.GetLagRequest) -> pb.GetLagResponse:
        return pb.GetLagResponse(lags=await self._lag.read())

    async def ListFaults(self, request: pb.ListFaultsRequest) -> pb.ListFaultsResponse:
        return pb.ListFaultsResponse(faults=map(self._fault, self._faults.known))

    async def SwitchFault(self, request: pb.SwitchFaultRequest) -> pb.SwitchFaultResponse:
        if request.on:
            strength = request.strength if request.HasField("strength") else None
            await self._faults.switch_on(request.name, request.seconds, strength)
        else:
            await self._faults.switch_off(request.name)
        return pb.SwitchFaultResponse(fault=self._fault(request.name))

    def _fault(self, name: str) -> pb.Fault:
        fault, on = self._faults.known[name], self._faults.switched.get(name)
        return pb.Fault(
            name=name,
            description=fault.description,
            means=fault.means,
            strength=on.strength if on else fault.strength,
            seconds_left=on.seconds_left if on else 0.0,
        )

    async def Replay(self, request: pb.ReplayRequest) -> pb.ReplayResponse:
        if request.from_sequence < 1:
            raise InvalidInput("from_sequence", "must be 1, the start, or more")
        subscription = self._found(request.group, self._subscriptions)
        sources = sorted({stream.source for stream in subscription.routes})
        if request.source and request.source not in sources:
            raise InvalidInput("source", f"{request.group} subscribes to {', '.join(sources)} only")
        replayed = await subscription.replay(
            request.source, request.from_sequence, with_effects=request.again_with_effects
        )
        return pb.ReplayResponse(messages=replayed.messages, emptied=replayed.emptied)

    async def HearPassedOver(self, request: pb.HearPassedOverRequest) -> pb.HearPassedOverResponse:
        """Projections are made anew, all else is set aside for its first attempt. Raises Unavailable."""
        passed_over = self._found(request.group, self._passed_over)
        if request.leave:
            return pb.HearPassedOverResponse(messages=await passed_over.leave())
        subscription = self._subscriptions[request.group]
        again = [await subscription.replay(each, 1, with_effects=False) for each in passed_over.projected]
        heard, gone = await passed_over.hear(list(subscription.routes))
        subscription.retry_soon()
        return pb.HearPassedOverResponse(messages=heard + sum(each.messages for each in again), gone=gone)

    @property
    def _holders(self) -> dict[str, Holder]:
        return {**self._subscriptions, **self._queues, self._timers.lot.group: self._timers}

    def _found(self, group: str, groups: Mapping[str, G]) -> G:
        if group not in groups:
            raise NotFound("consumer group", group)
        return groups[group]

    async def _holder(self, parked_id: int) -> Holder:
        for holder in self._holders.values():
            if await self._readers.run(partial(holder.lot.holds, parked_id)):
                return holder
        raise NotFound("parked message", str(parked_id))


def _parting(group: str, parting: Parting) -> pb.Parting:
    source, channel, partition = parting.stream
    return pb.Parting(
        group=group,
        source=source,
        channel=channel,
        partition=partition,
        agreed_sequence=parting.agreed.seq,
        applied_sequence=parting.mark.seq,
        last_sequence=parting.head,
    )


def _retry(lot: ParkingLot, id: int) -> None:
    if lot.find(id).state == QUEUED:
        raise RuleViolated("it waits behind another message of its key: retry or discard that one")
    lot.retry(id)


class OfflineOperator(OperatorReads):
    """The same questions to the database of a process that is gone; nothing can be changed."""

    def __init__(self, context: str, database_url: str) -> None:
        self._database = Database(database_url)
        self._context = context
        readers = Readers(self._database, threads=1)
        super().__init__(OperatorQueries(context, self._database), readers)

    async def GetStatus(self, request: pb.GetStatusRequest, **_: Any) -> pb.GetStatusResponse:
        return pb.GetStatusResponse(context=self._context, troubles=["this process is not running"])

    async def GetLag(self, request: pb.GetLagRequest, **_: Any) -> pb.GetLagResponse:
        return pb.GetLagResponse()

    async def RetryParked(self, request: pb.RetryParkedRequest, **_: Any) -> pb.RetryParkedResponse:
        raise self._not_running()

    async def DiscardParked(self, request: pb.DiscardParkedRequest, **_: Any) -> pb.DiscardParkedResponse:
        raise self._not_running()

    async def Replay(self, request: pb.ReplayRequest, **_: Any) -> pb.ReplayResponse:
        raise self._not_running()

    async def HearPassedOver(self, request: pb.HearPassedOverRequest, **_: Any) -> pb.HearPassedOverResponse:
        raise self._not_running()

    async def SettleLost(self, request: pb.SettleLostRequest, **_: Any) -> pb.SettleLostResponse:
        raise self._not_running()

    async def ListFaults(self, request: pb.ListFaultsRequest, **_: Any) -> pb.ListFaultsResponse:
        raise self._not_running()

    async def SwitchFault(self, request: pb.SwitchFaultRequest, **_: Any) -> pb.SwitchFaultResponse:
        raise self._not_running()

    def _not_running(self) -> Unavailable:
        return Unavailable(f"{self._context} is not running: start it with `mallbots up` first")

    def close(self) -> None:
        self._readers.close()
        self._database.close()


def offline_operator(database_url: str, context: str) -> OfflineOperator:
    return OfflineOperator(context, database_url)
