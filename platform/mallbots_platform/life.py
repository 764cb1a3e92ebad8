"""How a process lives: it is checked, it serves and consumes until told to stop, and leaves nothing in hand undone."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mallbots_platform import ids, schema
from mallbots_platform.endpoints import announce
from mallbots_platform.errors import Unavailable
from mallbots_platform.gauges import Gauges
from mallbots_platform.handling import Handling, Route
from mallbots_platform.health import Health
from mallbots_platform.inbox import Inbox
from mallbots_platform.installation import Lookout, recorded
from mallbots_platform.leases import Leases
from mallbots_platform.leaving import Leaving
from mallbots_platform.memory import give_back_memory
from mallbots_platform.parking import ParkingLot
from mallbots_platform.passed_over import PassedOver
from mallbots_platform.retention import Retention
from mallbots_platform.saga_steps import check_steps
from mallbots_platform.saga_wakeups import wake_up
from mallbots_platform.serving import Serving
from mallbots_platform.source_log import OperatorSourceLog
from mallbots_platform.source_partitions import SourcePartitions
from mallbots_platform.starting import check_facts, check_server
from mallbots_platform.subscriptions import Subscription
from mallbots_platform.whereabouts import place_of

if TYPE_CHECKING:
    from mallbots_platform.process import Process

A = TypeVar("A")

CALLS_GRACE_SECONDS = 3.0
DRAIN_SECONDS = 2.0
FINISH_SECONDS = 6.5
LEAVE_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 5.0
THREADS_SECONDS = 3.0


class Life:
    """Of one process, whose parts are bound by then."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self._leases: list[Leases] = []
        self._told_to_stop = asyncio.Event()
        self._anybodys_redis = process.open_redis(anybodys=True)
        self._lookout = Lookout(
            process.installation,
            process.writer,
            self._anybodys_redis,
            process.redis,
            self._ask_peers,
            process.telemetry,
        )
        self._health = Health(process)
        self._partitions: SourcePartitions
        self._at_jobs: list[asyncio.Future[Any]] = []
        self._passed_over: dict[str, PassedOver] = {}
        self._serving = Serving(process, self._health, self._passed_over)
        self._leaving = Leaving(process.telemetry.log)
        self._watching: asyncio.Future[None] | None = None

    def stop(self) -> None:
        self._begin_to_leave()
        self._told_to_stop.set()

    @property
    def unfinished(self) -> str:
        """What the process waits for while it leaves, and where the threads are that do not end."""
        process, main = self._process, threading.main_thread().ident or 0
        at_work = [thread for thread, _ in (*process.writer.at_work, *process.readers.at_work)]
        loop = [f"the event loop is at {place_of(main)}"] if self._health.is_late else []
        return "; ".join(
            [*self._leaving.waits_for, *loop, *(f"a thread is at {place_of(thread)}" for thread in at_work)]
        )

    async def start(self) -> None:
        """Take calls and carry them out; what is said is published, and what others say is taken in, from `run` on.
        Raises CannotStart."""
        process, settings = self._process, self._process.settings
        facts = {
            "context": process.context,
            "partitions": str(settings.partitions),
            "schema": schema.REFUSED_BY_THE_FIRST,
        }
        check_facts(process.database, facts)
        check_steps(process.database, (orchestration.saga for orchestration in process.sagas))
        process.installation.id = recorded(process.database, settings.installation)
        await check_server(self._anybodys_redis, process.telemetry)
        self._partitions = SourcePartitions(process.database, settings.partitions)
        for group, routes in process.routes.items():
            process.subscriptions[group] = subscription = self._subscription(group, routes)
            self._passed_over[group] = PassedOver(
                *(group, routes, subscription.lot, OperatorSourceLog(process.peers.operator)),
                *(process.writer, process.readers, process.telemetry),
            )
        process.writer.start()
        await self._wake_sagas()
        self._watching = asyncio.ensure_future(self._health.run())
        if not process.installation.id:
            await self._lookout.begin()
        process.endpoint = await self._serving.listen(self._partitions)
        self._health.hindrance = ""
        self._health.look()
        if settings.endpoints:
            announce(settings.endpoints, process.context, process.endpoint)

    async def _wake_sagas(self) -> None:
        process = self._process
        for each in await process.writer.run(partial(wake_up, process.database, process.context, process.timers)):
            process.telemetry.log.warning("process had no wake-up", saga=each.saga, id=each.id, step=each.step)

    async def run(self) -> None:
        """Publish, consume and let time pass, until stopped, or until a part of it fails that never should: then it
        raises that failure."""
        self._at_jobs = [asyncio.ensure_future(queue.run()) for queue in self._process.queues.values()]
        work: list[asyncio.Future[Any]] = [*self._at_jobs, *(asyncio.ensure_future(part) for part in self._parts())]
        stopped: asyncio.Future[Any] = asyncio.ensure_future(self._told_to_stop.wait())
        try:
            await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
            self._begin_to_leave()
            failed = [part for part in work if part.done() and not part.cancelled()]
            await self._leaving.within(FINISH_SECONDS, "what was in hand", self._finish())
            for part in failed:
                part.result()
        finally:
            for task in (stopped, *work):
                task.cancel()
            await self._leaving.within(LEAVE_SECONDS, "a part of the work", _ended((stopped, *work)))

    async def close(self) -> None:
        """Give everything back; no work is under way any more."""
        process = self._process
        self._begin_to_leave()
        if self._watching is not None:
            self._watching.cancel()
        for give_back in reversed(process.closing):
            await self._leaving.within(LEAVE_SECONDS, "a server or a connection", give_back())
        for channel in process.peers.channels:
            await self._leaving.within(LEAVE_SECONDS, "a channel", channel.close(None))
        written = await self._leaving.within(THREADS_SECONDS, "the writer", process.writer.stop())
        if await self._leaving.within(THREADS_SECONDS, "readers", asyncio.to_thread(process.readers.close)) and written:
            process.database.close()
        await self._leaving.within(THREADS_SECONDS, "telemetry", asyncio.to_thread(process.telemetry.close))

    # At work

    def _parts(self) -> Iterable[Coroutine[Any, Any, None]]:
        process = self._process
        yield give_back_memory()
        yield process.writer.watch()
        yield process.backfill.run()
        yield process.faults.run()
        yield self._lookout.run()
        yield process.relay.run()
        yield process.timers.run()
        yield Gauges(process).run()
        yield self._keep_up_with_sources()
        yield Retention(
            *(process.context, process.redis, process.writer, process.readers),
            process.settings.retention_seconds,
            process.telemetry,
        ).run()
        yield self._look_for_what_was_passed_over()
        for subscription in process.subscriptions.values():
            yield subscription.run()
            yield subscription.retrying.run()
        for leases in self._leases:
            yield leases.run()

    async def _keep_up_with_sources(self) -> None:
        process = self._process
        sources = {route.source for routes in process.routes.values() for route in routes}
        await self._partitions.keep_up(sources, process.peers, process.writer, process.telemetry, self._follow)

    async def _look_for_what_was_passed_over(self) -> None:
        for passed_over in self._passed_over.values():
            while True:
                try:
                    await passed_over.look()
                    break
                except Unavailable:
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await asyncio.Event().wait()  # a part that ends, ends the process

    async def _follow(self, source: str, partitions: int) -> None:
        for subscription in self._process.subscriptions.values():
            await subscription.follow(source, partitions)

    def _subscription(self, group: str, routes: list[Route]) -> Subscription:
        process, settings = self._process, self._process.settings
        lot = ParkingLot(group, process.database, settings.retry_policy)
        handling = Handling(
            *(group, process.writer, process.outbox, process.codec, process.telemetry),
            process.faults.disturb_handler,
        )
        inbox = Inbox(group, process.writer, handling, lot, process.telemetry)
        leases = Leases(
            group,
            max(self._partitions.of(route.source) for route in routes),
            f"{process.context}:{ids.new_id()}",
            process.redis,
            process.writer,
            process.telemetry,
            seconds=settings.lease_seconds,
            take_over=process.database.url.startswith("sqlite"),
        )
        self._leases.append(leases)
        return Subscription(
            group,
            [(route, self._partitions.of(route.source)) for route in routes],
            process.open_redis(blocks=True),
            process.writer,
            process.readers,
            inbox,
            leases,
            OperatorSourceLog(process.peers.operator),
            process.telemetry,
            notes=process.notes,
        )

    async def _ask_peers(self) -> str:
        routes = [route for routes in self._process.routes.values() for route in routes]
        return await self._process.peers.installation({route.source for route in routes})

    # Leaving

    async def _finish(self) -> None:
        """Answer what was asked, finish what was read and what was begun, publish what was committed."""
        process = self._process
        for queue in self._at_jobs:
            queue.cancel()
        await self._serving.stop(CALLS_GRACE_SECONDS)
        for subscription in process.subscriptions.values():
            subscription.stop()
        await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._consumed()
        if self._at_jobs:
            await asyncio.wait(self._at_jobs)
        await process.relay.drain(DRAIN_SECONDS)
        for leases in self._leases:
            await leases.release()
        await self._serving.stop_operators()

    async def _consumed(self) -> None:
        while any(subscription.running for subscription in self._process.subscriptions.values()):
            await asyncio.sleep(0.005)

    def _begin_to_leave(self) -> None:
        if self._leaving.begin():
            self._health.hindrance = "it is leaving"
            self._process.on_leaving()


async def _ended(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Until all are over; how they ended is of no interest any more."""
    done, _ = await asyncio.wait(tasks)
    for task in done:
        if not task.cancelled():
            task.exception()
