"""A message queue in the classic sense: jobs without an order, each done once by whichever worker is free, then gone.

A job is put in the transaction that wants it done, and travels like every message. The processes of a context share
one group; what a dead one held is claimed by another. A job runs outside of any transaction, since it talks to
others; that it is done is committed before its entry is deleted.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

from redis.exceptions import RedisError

from mallbots_platform.clock import now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_notes import CrashNotes
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.errors import InvalidInput, Unavailable
from mallbots_platform.ids import new_id
from mallbots_platform.job_attempts import PAUSE_SECONDS, JobAttempts, JobHandler, Patience
from mallbots_platform.job_ledger import Job, JobLedger
from mallbots_platform.job_streams import Entry, JobStreams
from mallbots_platform.outbox import Outbox
from mallbots_platform.own_redis import ForeignRedis
from mallbots_platform.parking import ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.redis_answers import told
from mallbots_platform.streams import RedisClient
from mallbots_platform.waiting import signalled
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import TraceContext

__all__ = ["JobHandler", "WorkQueue"]

IDLE_SECONDS = 5.0
GRACE_SECONDS = 4.0  # less than the process has to leave
CRASH_LIMIT = 10
DEATHS_BY_CHANCE = 2  # who was in hand at more of them is tried alone
NO_ENTRY = "its entry is not in the stream"


class WorkQueue:
    """`<context>.<name>` is its group. A job that takes longer than `claim_seconds` has failed, and is tried again;
    what a process has in hand that is silent for so long is given to another.

    Where a handler returns a function, that is called in the transaction in which the job is noted as done.
    """

    def __init__(
        self,
        context: str,
        name: str,
        handlers: Mapping[str, JobHandler],
        redis: RedisClient,
        writer: Writer,
        readers: Readers,
        outbox: Outbox,
        codec: Codec,
        lot: ParkingLot,
        telemetry: Telemetry,
        notes: CrashNotes,
        *,
        workers: int = 2,
        claim_seconds: float = 60.0,
    ) -> None:
        self.group = f"{context}.{name}"
        self.channel = f"jobs.{name}"
        self.lot = lot
        self._notes = notes
        self._writer = writer
        self._readers = readers
        self._outbox = outbox
        self._claim_seconds = claim_seconds
        streams = [StreamName(context, self.channel, number) for number in range(outbox.partitions)]
        self._streams = JobStreams(self.group, streams, redis, claim_seconds)
        self._ledger = JobLedger(self.group, writer, lot, telemetry.meter)
        self._patiently = Patience(self.group)
        self._attempts = JobAttempts(
            *(self.group, handlers, writer, codec, self._ledger, telemetry),
            patiently=self._patiently,
            longest_seconds=claim_seconds,
        )
        self._trouble = ""
        self._is_foreign = False
        self._free = asyncio.Semaphore(workers)
        self._held: dict[tuple[StreamName, bytes], Entry] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._retry_now = asyncio.Event()

    @property
    def trouble(self) -> str:
        return self._trouble or self._patiently.trouble

    def put(self, job: object, key: str = "") -> None:
        """Part of the transaction of the piece that runs. `key` only spreads jobs over partitions."""
        self._outbox.record(job, key=key or new_id(), channel=self.channel)

    def retry_soon(self) -> None:
        self._retry_now.set()

    def discard(self, id: int) -> None:
        self.lot.discard(id)

    async def run(self) -> None:
        """Work until cancelled; then finish what is in hand, where that does not take long, and note what is done."""
        keeping = asyncio.ensure_future(self._keep())
        loops = [asyncio.ensure_future(each) for each in (self._fetch(), self._retry(), self._sweep())]
        try:
            await asyncio.gather(self._failed, keeping, *loops)
        finally:
            for loop in loops:
                loop.cancel()
            await self._leave()
            keeping.cancel()

    async def _fetch(self) -> None:
        while True:
            try:
                await self._streams.prepare()
                self._trouble, self._is_foreign = "", False
                while True:
                    await self._take()
            except (RedisError, OSError) as error:
                self._trouble = f"{self.group} cannot work: {told(error)}"
                self._is_foreign = isinstance(error, ForeignRedis)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _take(self) -> None:
        async with self._free:
            pass
        entries = [entry for entry in await self._streams.take() if entry.place not in self._held]
        self._held.update((entry.place, entry) for entry in entries)
        receive = self._attempts.receive_span(entries) if entries else None
        for entry in entries:
            await self._start(self._do(entry, receive))

    async def _do(self, entry: Entry, receive: TraceContext | None) -> None:
        try:
            is_known = partial(self._ledger.is_known, entry.stream, entry.seq)
            if await self._patiently(partial(self._readers.run, is_known)):
                self._ledger.count_duplicate()
            else:
                await self._do_unknown(entry, receive)
            reached("job: noted")
            with contextlib.suppress(RedisError, OSError):  # then it comes back, and is known
                await self._streams.finish(entry)
        finally:
            self._held.pop(entry.place, None)

    async def _do_unknown(self, entry: Entry, receive: TraceContext | None) -> None:
        """The log says what the job is: whatever bytes somebody else has written under its number, they are not it."""
        try:
            text = await self._patiently(partial(self._readers.run, partial(self._ledger.text_of, entry)))
            envelope = decode_envelope(text)
        except InvalidInput as error:
            self._attempts.show_gap(self._streams.key_of(entry.stream), entry.seq, str(error))
            await self._write(partial(self._ledger.bury_unreadable, entry, str(error)))
            return
        if text.encode() != entry.raw:
            self._attempts.show_gap(
                self._streams.key_of(entry.stream), entry.seq, "its entry is not what the log says", healed=True
            )
        job = Job(entry.stream, entry.seq, envelope, text, entry.published_at, entry.received_at)
        if entry.deliveries > CRASH_LIMIT:
            return await self._attempts.give_up(job, f"{entry.deliveries - 1} processes died of it")
        is_suspected = entry.deliveries > DEATHS_BY_CHANCE + 1
        async with self._notes.alone if is_suspected else contextlib.nullcontext():
            is_done = await self._attempts.make(job, receive)
        if not is_done:
            self.retry_soon()

    async def _retry(self) -> None:
        """Give parked jobs their next attempts."""
        await self._write(self.lot.try_kept)
        while True:
            pause = await self._patiently(self._retry_due)
            await signalled(self._retry_now, pause)

    async def _retry_due(self) -> float:
        """Seconds until it is worth looking again."""
        if self._is_foreign:
            return IDLE_SECONDS
        streams = self._streams.streams
        for message in await self._readers.run(partial(self.lot.due, streams)):
            async with self._free:
                until = now_us() + round(3 * self._claim_seconds * 1_000_000)  # to wait for a worker, and to be done
                is_ours = await self._writer.run(partial(self._ledger.take, message, until))
            if is_ours:
                await self._start(self._again(message))
        next_due_at = await self._readers.run(partial(self.lot.next_due_at, streams))
        if next_due_at is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.005, (next_due_at - now_us()) / 1e6))

    async def _again(self, message: ParkedMessage) -> None:
        try:
            envelope = decode_envelope(message.envelope)
        except InvalidInput as error:
            await self._write(partial(self.lot.failed, message, str(error), permanent=True))
            return
        times = (message.published_at, now_us(), message.attempts + 1)
        job = Job(message.stream, message.seq, envelope, message.envelope, *times, parked=message)
        if message.attempts >= self.lot.policy.attempts:
            await self._attempts.give_up(job, f"the process died at the last of {message.attempts} attempts")
        elif not await self._attempts.make(job):
            self.retry_soon()

    async def _keep(self) -> None:
        """Say that this process lives, and still has in hand what it took."""
        while True:
            await asyncio.sleep(self._claim_seconds / 3)
            with contextlib.suppress(RedisError, OSError):
                await self._streams.keep(self._held.values())

    async def _sweep(self) -> None:
        """Whatever became of their entries, all jobs that are in the log get done."""
        while True:
            await asyncio.sleep(self._claim_seconds)
            with contextlib.suppress(Unavailable, RedisError, OSError):
                for stream in self._streams.streams:
                    await self._look_for_strays(stream)
                if await self._writer.run(self.lot.try_kept):  # by another process of this context, that knows them
                    self.retry_soon()

    async def _look_for_strays(self, stream: StreamName) -> None:
        before = now_us() - round(self._claim_seconds * 1_000_000)
        undone = await self._readers.run(partial(self._ledger.undone, stream, before))
        for seq in await self._streams.missing(stream, undone):
            if await self._writer.run(partial(self._ledger.park_stray, stream, seq, NO_ENTRY)):
                self._attempts.show_gap(self._streams.key_of(stream), seq, NO_ENTRY, healed=True)
                self.retry_soon()

    async def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """As soon as a worker is free."""
        try:
            await self._free.acquire()
        except BaseException:
            work.close()
            raise
        task = asyncio.ensure_future(work)
        self._busy.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._free.release()
        self._busy.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._failed.done():
            self._failed.set_exception(error)

    async def _leave(self) -> None:
        if self._busy:
            await asyncio.wait(self._busy, timeout=GRACE_SECONDS)
        for task in self._busy - self._attempts.noting:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._streams.leave()

    async def _write(self, work: Any) -> None:
        await self._patiently(lambda: self._writer.run(work))
