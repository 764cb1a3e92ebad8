"""One context as one process: what its composition binds together."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from sqlalchemy import MetaData, Table

from mallbots_platform import clock, ids, schema
from mallbots_platform.aggregates import Aggregate, Entity
from mallbots_platform.backfill import Backfill
from mallbots_platform.calls import ProcessCalls
from mallbots_platform.codec import PLATFORM as REPLIES
from mallbots_platform.codec import Codec, full_name
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.database import Database
from mallbots_platform.due_timers import TimerHandler
from mallbots_platform.endpoints import Endpoint
from mallbots_platform.errors import CannotStart
from mallbots_platform.event_store import EventSourced
from mallbots_platform.faults import Faults
from mallbots_platform.gauges import Shown
from mallbots_platform.grpc_client import Client, client_for
from mallbots_platform.grpc_server import GrpcServer
from mallbots_platform.handling import Handler, Route
from mallbots_platform.installation import Installation
from mallbots_platform.lag import LagReader
from mallbots_platform.life import Life
from mallbots_platform.measuring import Measuring
from mallbots_platform.messages import Contract, Upcaster
from mallbots_platform.migrations import PLATFORM, Migration, bring_up_to_date
from mallbots_platform.orchestration import LocalHandler, Orchestration
from mallbots_platform.orchestrations import Orchestrations
from mallbots_platform.outbox import Outbox, PublishedEvents
from mallbots_platform.parking import ParkingLot
from mallbots_platform.partitions import EVENTS, commands_for
from mallbots_platform.peers import Peers
from mallbots_platform.process_faults import CUT_REDIS, declare_process_faults
from mallbots_platform.projections import MessageHandler, silent, without_envelope
from mallbots_platform.readers import Readers
from mallbots_platform.relay import Relay
from mallbots_platform.requests import Requests
from mallbots_platform.rows import Rows
from mallbots_platform.saga_steps import check_declaration
from mallbots_platform.sagas import PROCESS_EVENTS, Saga, SagaProcess
from mallbots_platform.settings import Settings
from mallbots_platform.streams import RedisClient, open_redis
from mallbots_platform.subscriptions import Subscription
from mallbots_platform.timers import Timers
from mallbots_platform.work_queues import JobHandler, WorkQueue
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry, open_telemetry

A = TypeVar("A", bound=Aggregate)
E = TypeVar("E", bound=Entity)
T = TypeVar("T")


class Process:
    """What a composition works with. Everything is bound before `start`; nothing happens until then."""

    def __init__(self, contract: Contract, settings: Settings, telemetry: Telemetry) -> None:
        self.contract = contract = contract.later(settings.pretended_releases)
        self.context = contract.context
        self.settings = settings
        self.telemetry = telemetry
        self.meter = telemetry.meter
        self.codec = Codec(self._released(REPLIES), contract)
        self.database = Database(settings.database_url)
        self.database.on_hung = self.meter.counter("mallbots_database_unanswered_total").inc
        self.writer = Writer(self.database, self.meter, telemetry.log)
        self.notes = CrashNotes(self.database)
        self.readers = Readers(self.database)
        self.backfill = Backfill(self.writer, telemetry)
        told = (telemetry.tracer, telemetry.facts)
        self.outbox = Outbox(self.context, settings.partitions, self.writer, self.codec, *told)
        self.requests = Requests(self.database, self.meter)
        worked_with = (self.context, self.writer, self.readers, self.requests, telemetry, self.notes)
        self.timers = Timers(*worked_with, settings.pretended_releases)
        self.faults = Faults(telemetry)
        declare_process_faults(self)
        self.closing: list[Callable[[], Awaitable[object]]] = []
        self.installation = Installation(settings.key_prefix, telemetry)
        self.on_leaving: Callable[[], object] = lambda: None
        self.redis = self.open_redis()
        self.relay = self._relay()
        self.subscriptions: dict[str, Subscription] = {}
        self.queues: dict[str, WorkQueue] = {}
        self.shown: list[Shown] = []
        self.lag = LagReader(self.redis, self.readers, self.subscriptions)
        self.calls = ProcessCalls(self.writer, self.readers, self.requests, self.meter, settings.longest_wait_seconds)
        self.api = GrpcServer(telemetry, self.calls)
        self.endpoint = Endpoint("", "", "", os.getpid())
        self.peers = Peers(settings, telemetry)
        self.routes: dict[str, list[Route]] = {}
        self._aggregates: dict[str, type] = {}
        self.sagas = Orchestrations(self.context, self.database, self.codec, self.outbox, self.timers)
        self._measuring = Measuring(self.writer, self.outbox, self.meter)
        self._life = Life(self)

    # What a composition binds

    def create_tables(self, metadata: MetaData, migrations: Sequence[Migration] = ()) -> None:
        """The context's own tables; `migrations` lead to them from what they were first. Raises CannotStart."""
        bring_up_to_date(self.database, self.context, metadata, migrations)
        self.backfill.add(self.context, migrations)

    def event_sourced(self, kind: type[A], events: tuple[type, ...]) -> EventSourced[A]:
        """The repository of an event-sourced aggregate; `events` are all its domain events. Raises CannotStart."""
        known = self._aggregates.setdefault(kind.__name__, kind)
        if known is not kind:
            raise CannotStart(
                f"two aggregates are called {kind.__name__}: {full_name(known)} and {full_name(kind)}; rename one"
            )
        return self._event_sourced(kind, events)

    def _event_sourced(self, kind: type[A], events: tuple[type, ...]) -> EventSourced[A]:
        contract = self._released(Contract(context=kind.__name__, events=events))
        return EventSourced(kind, contract, self.database, self.outbox, self.meter)

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
        by_name = {source.wire_name(kind): without_envelope(handler) for kind, handler in handlers.items()}
        self._listen(source, by_name, purpose, ())

    def project(
        self, source: Contract, handlers: Mapping[type, MessageHandler], tables: tuple[Table, ...], *, purpose: str = ""
    ) -> None:
        """Take in events of another context, as `subscribe` does, into `tables` and nowhere else: then they can be made
        anew at any time (`mallbots replay`). A handler that says something, or sets a timer, fails."""
        by_name = {source.wire_name(kind): silent(self.writer, handler) for kind, handler in handlers.items()}
        self._listen(source, by_name, purpose, tables)

    def _listen(
        self, source: Contract, handlers: Mapping[str, Handler], purpose: str, projects: tuple[Table, ...]
    ) -> None:
        self.codec.know(self._released(source))
        group = self._group(purpose)
        self.routes.setdefault(group, []).append(Route(source.context, EVENTS, handlers, projects=projects))

    def take_commands(self, owner: str, handlers: Mapping[type, MessageHandler]) -> None:
        """Carry out commands that a saga of `owner` sends; what a handler returns goes into the reply."""
        by_name = {self.contract.wire_name(kind): without_envelope(handler) for kind, handler in handlers.items()}
        route = Route(owner, commands_for(self.context), by_name, replies=True)
        self.routes.setdefault(self.context, []).append(route)

    def on_timers(
        self,
        handlers: Mapping[type, TimerHandler],
        *,
        versions: Mapping[type, int] = MappingProxyType({}),
        upcasters: Mapping[tuple[str, int], Upcaster] = MappingProxyType({}),
    ) -> None:
        """What happens when a timer of each type is due; its versions are read as those of a contract are."""
        self.timers.handle(handlers, versions, upcasters)

    def orchestrate(
        self, saga: Saga[Any], handlers: Mapping[type, LocalHandler], taken_by: Mapping[str, Contract]
    ) -> None:
        """Run a saga. `handlers` carry out the commands it ends with; `taken_by` are its participants' contracts.
        Raises CannotStart."""
        check_declaration(saga, (each.saga for each in self.sagas), taken_by)
        for participant in taken_by.values():
            self.codec.know(self._released(participant))
        self.sagas.hear_replies(taken_by, self.routes.setdefault(self.context, []))
        processes = self._event_sourced(SagaProcess, PROCESS_EVENTS)
        self.sagas.add(
            Orchestration(saga, handlers, processes, self.writer, self.outbox, self.timers, self.codec, self.meter)
        )

    def show(self, metric: str, label: str, counts: Callable[[], Mapping[Any, int]]) -> None:
        """A gauge of how many there are of each kind, looked up every few seconds."""
        self.shown.append(Shown(metric, label, counts))

    def count(self, metric: str, label: str, events: Mapping[type, str]) -> None:
        """A counter of events that this context publishes, each under its value of the label."""
        self._measuring.count(metric, label, events)

    def time(self, metric: str, ends: type, of: EventSourced[Any]) -> None:
        """A histogram of the seconds from an aggregate's first event until it publishes `ends`."""
        self._measuring.time(metric, ends, of)

    def work_queue(
        self, name: str, handlers: Mapping[type, JobHandler], *, workers: int = 2, claim_seconds: float = 60.0
    ) -> WorkQueue:
        """Jobs whose order does not matter, done by whichever worker is free, in any process of this context; one
        that has taken `claim_seconds` is taken for dead, and its job given to another."""
        by_name = {self.codec.wire(kind).name: handler for kind, handler in handlers.items()}
        redis = self.open_redis(blocks=True)
        lot = ParkingLot(self._group(name), self.database, self.settings.retry_policy)
        queue = WorkQueue(
            *(self.context, name, by_name, redis, self.writer, self.readers, self.outbox, self.codec, lot),
            self.telemetry,
            self.notes,
            workers=workers,
            claim_seconds=claim_seconds,
        )
        self.queues[queue.group] = queue
        return queue

    def channel(self, context: str) -> grpc.aio.Channel:
        """A channel to another context's API. Raises Unavailable when nobody knows where it listens."""
        return self.peers.api(context)

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
        relay, queues = self.relay, self.queues.values()
        parts: tuple[Any, ...] = (self.database, self.installation, relay, relay.aside, self.timers, *queues)
        of_groups = (trouble for each in self.subscriptions.values() for trouble in each.troubles)
        return [trouble for trouble in (*(part.trouble for part in parts), *of_groups) if trouble]

    async def start(self) -> None:
        """Take calls and carry them out; what is said is published, and what others say is taken in, from `run` on.
        Raises CannotStart."""
        await self._life.start()

    async def run(self) -> None:
        """Publish, consume and let time pass, until stopped, or until a part of it fails that never should: then it
        raises that failure."""
        await self._life.run()

    def stop(self) -> None:
        self._life.stop()

    @property
    def unfinished(self) -> str:
        """What it still waits for while it leaves."""
        return self._life.unfinished

    async def close(self) -> None:
        """Give everything back; no work is under way any more."""
        await self._life.close()

    def _released(self, contract: Contract) -> Contract:
        return contract.later(self.settings.pretended_releases)

    def _relay(self) -> Relay:
        """It hears at once of what is committed."""
        relay = Relay(self.context, self.redis, self.writer, self.readers, self.telemetry)
        self.outbox.on_commit = relay.committed
        self.outbox.numbering.on_going_back = relay.went_back
        return relay

    def open_redis(self, *, blocks: bool = False, anybodys: bool = False) -> RedisClient:
        """A client that is given back in the end; one that `blocks` may wait for what comes. It works only where Redis
        belongs to this installation, unless it may be `anybodys`."""
        redis = open_redis(
            self.settings.redis_url,
            prefix=self.settings.key_prefix,
            owner=None if anybodys else self.installation,
            blocks=blocks,
            is_cut=lambda: bool(self.faults.strength(CUT_REDIS)),
        )
        self.closing.append(redis.aclose)
        return redis

    def _group(self, purpose: str) -> str:
        group = f"{self.context}.{purpose}" if purpose else self.context
        if group == self.timers.lot.group:
            raise ValueError(f"{group} is where timers are set aside: choose another name")
        return group


@asynccontextmanager
async def open_process(contract: Contract, settings: Settings) -> AsyncIterator[Process]:
    """The parts of a process, open for as long as the context lasts."""
    process = Process(contract, settings, open_telemetry(contract.context))
    try:
        bring_up_to_date(process.database, PLATFORM, schema.metadata, schema.MIGRATIONS)
        process.backfill.add(PLATFORM, schema.MIGRATIONS)
        yield process
    finally:
        await process.close()
