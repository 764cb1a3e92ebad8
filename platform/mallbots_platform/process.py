"""One context as one process: what its composition binds together, and how it runs until it is told to stop."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from redis.exceptions import RedisError
from sqlalchemy import MetaData, Table

from mallbots_platform import clock, ids, schema
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.aggregates import Aggregate, Entity
from mallbots_platform.calls import ProcessCalls
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import check_redis
from mallbots_platform.endpoints import Endpoint, addresses, announce, previous_address
from mallbots_platform.errors import PlatformError
from mallbots_platform.event_store import EventSourced
from mallbots_platform.faults import Faults
from mallbots_platform.gauges import Gauges, Shown
from mallbots_platform.grpc_client import Client, client_for, open_channel
from mallbots_platform.grpc_server import GrpcServer
from mallbots_platform.handling import Handling, Route
from mallbots_platform.inbox import Inbox
from mallbots_platform.lag import LagReader
from mallbots_platform.leases import Leases
from mallbots_platform.messages import Accepted, Contract, Refused
from mallbots_platform.operator_api import SERVICE, OperatorApi
from mallbots_platform.operator_queries import OperatorQueries
from mallbots_platform.orchestration import AnswerIsOverdue, LocalHandler, Orchestration
from mallbots_platform.outbox import Draft, Outbox, PublishedEvents
from mallbots_platform.parking import ParkingLot, RetryPolicy
from mallbots_platform.partitions import EVENTS, commands_for, replies_for
from mallbots_platform.process_faults import CUT_REDIS, declare_process_faults
from mallbots_platform.readers import Readers
from mallbots_platform.relay import Relay
from mallbots_platform.requests import Requests
from mallbots_platform.retention import Retention
from mallbots_platform.rows import Rows
from mallbots_platform.sagas import PROCESS_EVENTS, Saga, SagaProcess
from mallbots_platform.settings import Settings
from mallbots_platform.source_log import OperatorSourceLog
from mallbots_platform.streams import RedisClient, open_redis
from mallbots_platform.subscriptions import Subscription
from mallbots_platform.timers import TimerHandler, Timers
from mallbots_platform.work_queues import JobHandler, WorkQueue
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry, open_telemetry
from telemetry.metrics import Counter, Histogram, serve_metrics

A = TypeVar("A", bound=Aggregate)
E = TypeVar("E", bound=Entity)
T = TypeVar("T")
MessageHandler = Callable[[Any], object]
CALLS_GRACE_SECONDS = 3.0
DRAIN_SECONDS = 2.0
FINISH_SECONDS = 7.5
LEAVE_SECONDS = 1.0


class CannotStart(PlatformError):
    """Something is set up in a way that would lose data or break promises. Says what to do."""


class Process:
    """What a composition works with. Everything is bound before `run`; nothing happens until then."""

    def __init__(self, contract: Contract, settings: Settings, telemetry: Telemetry) -> None:
        self.contract = contract
        self.context = contract.context
        self.settings = settings
        self.telemetry = telemetry
        self.meter = telemetry.meter
        self.codec = Codec(contract)
        self.database = Database(settings.database_url)
        self.writer = Writer(self.database, self.meter)
        self.readers = Readers(self.database)
        self.outbox = Outbox(self.context, settings.partitions, self.writer, self.codec, telemetry.tracer)
        self.requests = Requests(self.database, self.meter)
        self.timers = Timers(self.context, self.writer, self.readers, self.requests, telemetry)
        self.faults = Faults(telemetry)
        declare_process_faults(self)
        self.redis = self._open_redis()
        self.relay = Relay(self.context, self.redis, self.writer, self.readers, telemetry)
        self.outbox.on_commit = self.relay.committed
        self.subscriptions: dict[str, Subscription] = {}
        self.queues: dict[str, WorkQueue] = {}
        self.shown: list[Shown] = []
        self.lag = LagReader(self.redis, self.readers, self.subscriptions)
        self.calls = ProcessCalls(self.writer, self.readers, self.requests)
        self.api = GrpcServer(telemetry, self.calls)
        self.endpoint = Endpoint("", "", "", os.getpid())
        self._operator_server = GrpcServer(telemetry.untraced(), self.calls)
        self._routes: dict[str, list[Route]] = {}
        self._sagas: list[Orchestration] = []
        self._channels: dict[str, tuple[str, grpc.aio.Channel]] = {}
        self._leases: list[Leases] = []
        self._closing: list[Callable[[], Awaitable[object]]] = []
        self._stop = asyncio.Event()

    # What a composition binds

    def create_tables(self, metadata: MetaData) -> None:
        self.database.create(metadata)

    def event_sourced(self, kind: type[A], events: tuple[type, ...]) -> EventSourced[A]:
        """The repository of an event-sourced aggregate; `events` are all its domain events."""
        return EventSourced(kind, events, self.database, self.outbox, self.meter)

    def rows(self, kind: type[E], table: Table) -> Rows[E]:
        """The repository of an entity whose fields are the table's columns."""
        return Rows(kind, table, self.database, self.outbox)

    def publish(self, published_events: PublishedEvents) -> None:
        """What the others are told of this context's own events: one function, (source, event) -> messages."""
        self.outbox.publish(published_events)

    def serve(self, api: object, service: ServiceDescriptor) -> None:
        self.api.add(api, service)

    def subscribe(self, source: Contract, handlers: Mapping[type, MessageHandler], *, purpose: str = "") -> None:
        """Take in events of another context. The consumer group is named after this one, and its purpose, if any."""
        self.codec.know(source)
        group = f"{self.context}.{purpose}" if purpose else self.context
        by_name = {source.wire_name(kind): _without_envelope(handler) for kind, handler in handlers.items()}
        self._routes.setdefault(group, []).append(Route(source.context, EVENTS, by_name))

    def take_commands(self, owner: str, handlers: Mapping[type, MessageHandler]) -> None:
        """Carry out commands that a saga of `owner` sends; what a handler returns goes into the reply."""
        by_name = {self.contract.wire_name(kind): _without_envelope(handler) for kind, handler in handlers.items()}
        route = Route(owner, commands_for(self.context), by_name, replies=True)
        self._routes.setdefault(self.context, []).append(route)

    def on_timers(self, handlers: Mapping[type, TimerHandler]) -> None:
        self.timers.handle(handlers)

    def orchestrate(
        self, saga: Saga[Any], handlers: Mapping[type, LocalHandler], taken_by: Mapping[str, Contract]
    ) -> None:
        """Run a saga. `handlers` carry out the commands it ends with; `taken_by` are its participants' contracts."""
        for participant in taken_by.values():
            self.codec.know(participant)
        if not self._sagas:
            self.timers.handle({AnswerIsOverdue: self._on_overdue})
            by_name = {self.codec.wire(kind).name: self._on_reply for kind in (Accepted, Refused)}
            routes = [Route(participant, replies_for(self.context), by_name) for participant in taken_by]
            self._routes.setdefault(self.context, []).extend(routes)
        processes = EventSourced(SagaProcess, PROCESS_EVENTS, self.database, self.outbox, self.meter)
        orchestration = Orchestration(
            saga, handlers, processes, self.writer, self.outbox, self.timers, self.codec, self.meter
        )
        self._sagas.append(orchestration)
        self.outbox.listen(saga.begins_on, orchestration.on_begin)
        if saga.cancels_on:
            self.outbox.listen(saga.cancels_on, orchestration.on_cancel)

    def show(self, metric: str, label: str, counts: Callable[[], Mapping[Any, int]]) -> None:
        """A gauge of how many there are of each kind, looked up every few seconds."""
        self.shown.append(Shown(metric, label, counts))

    def count(self, metric: str, label: str, events: Mapping[type, str]) -> None:
        """A counter of events that this context publishes, each under its value of the label."""
        for event_type, value in events.items():
            child = self.meter.counter(metric, **{label: value})
            self.outbox.listen(event_type, partial(self._count_when_committed, child))

    def time(self, metric: str, ends: type, of: EventSourced[Any]) -> None:
        """A histogram of the seconds from an aggregate's first event until it publishes `ends`."""
        self.outbox.listen(ends, partial(self._observe_when_committed, self.meter.histogram(metric), of))

    def work_queue(
        self, name: str, handlers: Mapping[type, JobHandler], *, workers: int = 2, claim_seconds: float = 60.0
    ) -> WorkQueue:
        """Jobs whose order does not matter, done by whichever worker is free, in any process of this context; one
        that has taken `claim_seconds` is taken for dead, and its job given to another."""
        by_name = {self.codec.wire(kind).name: handler for kind, handler in handlers.items()}
        redis = self._open_redis(blocks=True)
        self._closing.append(redis.aclose)
        lot = ParkingLot(f"{self.context}.{name}", self.database, self._policy)
        queue = WorkQueue(
            *(self.context, name, by_name, redis, self.writer, self.readers, self.outbox, self.codec, lot),
            self.telemetry,
            workers=workers,
            claim_seconds=claim_seconds,
        )
        self.queues[queue.group] = queue
        return queue

    def channel(self, context: str) -> grpc.aio.Channel:
        """A channel to another context's API. Raises Unavailable when nobody knows where it listens."""
        return self._channel(f"grpc:{context}", addresses(self.settings, context).grpc)

    def client(self, context: str, service: ServiceDescriptor) -> Client:
        """A traced client of another context's API. Raises Unavailable as `channel` does."""
        return client_for(self.channel(context), service, self.telemetry)

    def now(self) -> datetime:
        return clock.now()

    def new_id(self) -> str:
        return ids.new_id()

    async def change(self, work: Callable[[], T]) -> T:
        """The result of `work`, in a transaction of its own."""
        return await self.writer.run(work)

    async def read(self, work: Callable[[], T]) -> T:
        return await self.readers.run(work)

    # Running

    @property
    def troubles(self) -> list[str]:
        """What does not work at the moment; empty when all is well."""
        found = [self.relay.trouble, self.timers.trouble, *(queue.trouble for queue in self.queues.values())]
        for subscription in self.subscriptions.values():
            found += subscription.troubles
        return [trouble for trouble in found if trouble]

    def stop(self) -> None:
        self._stop.set()

    async def start(self) -> None:
        """Serve and consume. Raises CannotStart."""
        self._check_facts()
        await self._check_redis()
        self._bind_subscriptions()
        self.writer.start()
        self.endpoint = await self._listen()
        if self.settings.endpoints:
            announce(self.settings.endpoints, self.context, self.endpoint)

    async def run(self) -> None:
        """Until stopped, or until a part of it fails that never should: then it raises that failure."""
        work = [asyncio.ensure_future(part) for part in self._parts()]
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
            failed = [part for part in work if part.done() and not part.cancelled()]
            await self._within(FINISH_SECONDS, "what was in hand", self._finish())
            for part in failed:
                part.result()
        finally:
            for task in (stopped, *work):
                task.cancel()
            await self._within(LEAVE_SECONDS, "a part of the work", _ended((stopped, *work)))

    async def close(self) -> None:
        """Give everything back; no work is under way any more."""
        for give_back in reversed(self._closing):
            await self._within(LEAVE_SECONDS, "a server or a connection", give_back())
        for _, channel in self._channels.values():
            await self._within(LEAVE_SECONDS, "a channel", channel.close(None))
        await self.writer.stop()
        self.readers.close()
        self.database.close()
        await self.redis.aclose()
        self.telemetry.close()

    def _parts(self) -> Iterable[Coroutine[Any, Any, None]]:
        yield self.writer.watch()
        yield self.faults.run()
        yield self.relay.run()
        yield self.timers.run()
        yield Gauges(self).run()
        yield Retention(self.context, self.redis, self.writer, self.settings.retention_seconds, self.telemetry).run()
        for subscription in self.subscriptions.values():
            yield subscription.run()
            yield subscription.run_retries()
        for leases in self._leases:
            yield leases.run()
        for queue in self.queues.values():
            yield queue.run()

    async def _finish(self) -> None:
        """Answer what was asked, finish what was read, publish what was committed."""
        await self.api.stop(CALLS_GRACE_SECONDS)
        for subscription in self.subscriptions.values():
            subscription.stop()
        await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._consumed()
        await self.relay.drain(DRAIN_SECONDS)
        for leases in self._leases:
            await leases.release()
        await self._operator_server.stop(0.2)

    async def _within(self, seconds: float, what: str, end: Awaitable[object]) -> None:
        """A process that is told to leave does, though one of its libraries should never come to an end."""
        try:
            async with asyncio.timeout(seconds):
                await end
        except TimeoutError:
            self.telemetry.log.warning("left unfinished", what=what, seconds=seconds)

    async def _consumed(self) -> None:
        while any(subscription.running for subscription in self.subscriptions.values()):
            await asyncio.sleep(0.005)

    async def _listen(self) -> Endpoint:
        self._operator_server.add(self._operator_api(), SERVICE)
        operator = await self._bind(self._operator_server, "operator")
        wanted = self._wanted("metrics")
        try:
            metrics = serve_metrics(self.meter, wanted, health=lambda: self.troubles)
        except OSError as error:
            raise CannotStart(f"metrics cannot be served on {wanted}: {error.strerror}") from error
        self._closing.append(_async(metrics.close))
        return Endpoint(await self._bind(self.api, "grpc"), operator, metrics.address, os.getpid())

    async def _bind(self, server: GrpcServer, kind: str) -> str:
        self._closing.append(partial(server.stop, 0.0))
        return await server.start(self._wanted(kind))

    def _wanted(self, kind: str) -> str:
        """The address that is set; where any port will do, the one it had before."""
        address: str = getattr(self.settings, f"{kind}_address")
        if not address.endswith(":0") or not self.settings.endpoints:
            return address
        return previous_address(self.settings.endpoints, self.context, kind) or address

    def _bind_subscriptions(self) -> None:
        for group, routes in self._routes.items():
            self.subscriptions[group] = self._subscription(group, routes)

    def _subscription(self, group: str, routes: list[Route]) -> Subscription:
        lot = ParkingLot(group, self.database, self._policy)
        handling = Handling(group, self.writer, self.outbox, self.codec, self.telemetry, self.faults.disturb_handler)
        inbox = Inbox(group, self.writer, handling, lot, self.telemetry)
        reading = self._open_redis(blocks=True)
        self._closing.append(reading.aclose)
        leases = Leases(
            group,
            self.settings.partitions,
            f"{self.context}:{ids.new_id()}",
            self.redis,
            self.writer,
            self.telemetry,
            seconds=self.settings.lease_seconds,
            take_over=self.database.url.startswith("sqlite"),
        )
        self._leases.append(leases)
        source_log = OperatorSourceLog(self._operator_of)
        return Subscription(
            group,
            [(route, self.settings.partitions) for route in routes],
            reading,
            self.writer,
            self.readers,
            inbox,
            leases,
            source_log,
            self.telemetry,
        )

    @property
    def _policy(self) -> RetryPolicy:
        return RetryPolicy(
            attempts=self.settings.retry_attempts,
            base_seconds=self.settings.retry_base_seconds,
            cap_seconds=self.settings.retry_cap_seconds,
        )

    def _operator_api(self) -> OperatorApi:
        queries = OperatorQueries(self.context, self.database)
        parts = (self.readers, self.writer, self.subscriptions, self.queues, self.lag, self._status, self.faults)
        return OperatorApi(queries, *parts)

    def _status(self) -> pb.GetStatusResponse:
        subscriptions = [
            pb.Subscription(
                group=group, source=route.source, channel=route.channel, partitions=self.settings.partitions
            )
            for group, routes in self._routes.items()
            for route in routes
        ]
        return pb.GetStatusResponse(
            context=self.context,
            version=str(schema.VERSION),
            troubles=self.troubles,
            partitions=self.settings.partitions,
            database="sqlite" if self.database.url.startswith("sqlite") else "postgresql",
            subscriptions=subscriptions,
        )

    async def _operator_of(self, context: str) -> Any:
        channel = self._channel(f"operator:{context}", addresses(self.settings, context).operator)
        return client_for(channel, SERVICE)

    def _channel(self, name: str, address: str) -> grpc.aio.Channel:
        known = self._channels.get(name)
        if known is None or known[0] != address:
            self._channels[name] = known = (address, open_channel(address, self.telemetry))
        return known[1]

    def _count_when_committed(self, child: Counter, event: object, draft: object) -> None:
        self.writer.after_commit(child.inc)

    def _observe_when_committed(
        self, histogram: Histogram, things: EventSourced[Any], event: object, draft: Draft
    ) -> None:
        self.writer.after_commit(partial(histogram.observe, things.age(draft.key), draft.span.exemplar))

    def _on_reply(self, reply: Any, envelope: Any) -> None:
        for orchestration in self._sagas:
            if orchestration.owns(envelope.causationid):
                orchestration.on_reply(reply, envelope)

    def _on_overdue(self, timer: AnswerIsOverdue) -> None:
        for orchestration in self._sagas:
            if orchestration.saga.name == timer.saga:
                orchestration.on_overdue(timer)

    def _open_redis(self, *, blocks: bool = False) -> RedisClient:
        return open_redis(self.settings.redis_url, blocks=blocks, is_cut=lambda: bool(self.faults.strength(CUT_REDIS)))

    # Checks before anything runs

    def _check_facts(self) -> None:
        """Some settings are for good: changing them would send the messages of one key different ways."""
        wanted = {"context": self.context, "partitions": str(self.settings.partitions), "schema": str(schema.VERSION)}
        known: dict[str, str] = dict(self.database.run("SELECT name, value FROM platform_facts"))
        for name, value in wanted.items():
            if known.get(name, value) != value:
                raise CannotStart(
                    f"this database was made with {name} {known[name]}, the settings say {value}:"
                    f" set it back to {known[name]}, or start with an empty database"
                )
            self.database.run(
                "INSERT INTO platform_facts (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value)
            )

    async def _check_redis(self) -> None:
        try:
            config: Any = await self.redis.config_get("maxmemory*")
            problems = check_redis(await self.redis.info("server"), config)
        except (RedisError, OSError) as error:
            self.telemetry.log.warning("redis not reached at start", reason=str(error))
            return
        if problems:
            raise CannotStart("; ".join(problems))


@asynccontextmanager
async def open_process(contract: Contract, settings: Settings) -> AsyncIterator[Process]:
    """The parts of a process, open for as long as the context lasts."""
    process = Process(contract, settings, open_telemetry(contract.context))
    try:
        process.create_tables(schema.metadata)
        yield process
    finally:
        await process.close()


async def _ended(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Until all are over; how they ended is of no interest any more."""
    done, _ = await asyncio.wait(tasks)
    for task in done:
        if not task.cancelled():
            task.exception()


def _without_envelope(handler: MessageHandler) -> Callable[[Any, Any], object]:
    return lambda message, envelope: handler(message)


def _async(close: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def closed() -> None:
        close()

    return closed
