"""A message queue in the classic sense: jobs without an order, each done once by whichever worker is free, then gone.

A job is put in the transaction that wants it done, and travels like every message. Competing workers share one
group; what a dead worker held is claimed by another. A job runs outside of any transaction, since it talks to
others; that it is done is committed before the entry is deleted.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.exceptions import RedisError, ResponseError

from mallbots_platform.clock import now_us
from mallbots_platform.codec import Codec
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.errors import InvalidInput, RuleViolated, Unavailable
from mallbots_platform.ids import new_id
from mallbots_platform.outbox import Outbox, message_attributes
from mallbots_platform.parking import ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.streams import RedisClient, sequence_of
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry
from telemetry.tracing import Kind, TraceContext

JobHandler = Callable[[Any], Awaitable[object]]
BLOCK_MILLISECONDS = 2_000
IDLE_SECONDS = 2.0
PAUSE_SECONDS = 0.5
CLAIM_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Job:
    stream: StreamName
    entry_id: bytes
    raw: bytes

    @property
    def seq(self) -> int:
        return sequence_of(self.entry_id)


class WorkQueue:
    """`<context>.<name>` is its group; `claim_seconds` is how long a worker may take before it is taken for dead."""

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
        *,
        workers: int = 2,
        claim_seconds: float = 60.0,
    ) -> None:
        self.group = f"{context}.{name}"
        self.channel = f"jobs.{name}"
        self.lot = lot
        self.trouble = ""
        self._handlers = handlers
        self._redis = redis
        self._writer = writer
        self._readers = readers
        self._outbox = outbox
        self._codec = codec
        self._telemetry = telemetry
        self._workers = workers
        self._claim_ms = round(claim_seconds * 1000)
        self._streams = {
            name.key.encode(): name
            for name in (StreamName(context, self.channel, number) for number in range(outbox.partitions))
        }
        self._retry_now = asyncio.Event()

    def put(self, job: object, key: str = "") -> None:
        """Part of the transaction of the piece that runs. `key` only spreads jobs over partitions."""
        self._outbox.record(job, key=key or new_id(), channel=self.channel)

    def retry_soon(self) -> None:
        self._retry_now.set()

    def discard(self, id: int) -> None:
        self.lot.discard(id)

    async def run(self) -> None:
        """Work until cancelled."""
        workers = [self._work(f"worker-{number}-{new_id()}") for number in range(self._workers)]
        await asyncio.gather(*workers, self._retry())

    async def _work(self, worker: str) -> None:
        while True:
            try:
                await self._create_groups()
                self.trouble = ""
                while True:
                    for job in await self._claimed(worker) or await self._read(worker):
                        await self._do(job)
            except (RedisError, OSError, Unavailable) as error:
                self.trouble = f"{self.group} cannot work: {error}"
                await asyncio.sleep(PAUSE_SECONDS)

    async def _create_groups(self) -> None:
        for stream in self._streams.values():
            try:
                await self._redis.xgroup_create(stream.key, self.group, "0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def _read(self, worker: str) -> list[_Job]:
        wanted = {stream.key: ">" for stream in self._streams.values()}
        answer = await self._redis.xreadgroup(self.group, worker, wanted, count=1, block=BLOCK_MILLISECONDS)
        return [self._job(self._streams[key], *entry) for key, entries in answer or [] for entry in entries]

    async def _claimed(self, worker: str) -> list[_Job]:
        """What workers held that did not come back."""
        found = []
        for stream in self._streams.values():
            answer = await self._redis.xautoclaim(
                stream.key, self.group, worker, min_idle_time=self._claim_ms, count=CLAIM_AT_ONCE
            )
            found += [self._job(stream, *entry) for entry in answer[1]]
        return found

    def _job(self, stream: StreamName, entry_id: bytes, fields: dict[bytes, bytes] | None) -> _Job:
        return _Job(stream, entry_id, (fields or {}).get(b"e", b""))

    async def _do(self, job: _Job) -> None:
        if not await self._writer.run(partial(self._is_done, job.stream, job.seq)):
            try:
                envelope = decode_envelope(job.raw)
            except InvalidInput as error:
                await self._writer.run(partial(self.lot.bury_unreadable, job.stream, job.seq, job.raw, str(error)))
            else:
                await self._attempt(job, envelope)
        reached("job: noted")
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.xack(job.stream.key, self.group, job.entry_id)
        pipeline.xdel(job.stream.key, job.entry_id)
        await pipeline.execute()

    async def _attempt(self, job: _Job, envelope: Envelope) -> None:
        error, handler_us = await self._run(envelope, 1)
        place = (job.stream, job.seq, envelope, job.raw.decode())
        if error is None:
            reached("job: done")
            await self._writer.run(partial(self._note_done, job.stream, job.seq, envelope, 1, handler_us))
        elif isinstance(error, InvalidInput | RuleViolated):
            await self._writer.run(partial(self.lot.bury, *place, str(error), 1, now_us()))
        else:
            await self._writer.run(partial(self.lot.park, *place, str(error) or repr(error), now_us()))
            self.retry_soon()

    async def _run(self, envelope: Envelope, attempt: int) -> tuple[Exception | None, int]:
        created = TraceContext(envelope.traceparent, envelope.tracestate, envelope.baggage)
        attributes = message_attributes(envelope, "process") | {
            "messaging.consumer.group.name": self.group,
            "mallbots.attempt": attempt,
        }
        tracer, started = self._telemetry.tracer, now_us()
        span = tracer.span(f"process {envelope.type}", kind=Kind.CONSUMER, parent=created, attributes=attributes)
        try:
            message = self._codec.decode(envelope.type, envelope.dataversion, envelope.data)
            with tracer.use(span):
                await self._handlers[envelope.type](message)
            return None, now_us() - started
        except Exception as error:  # whatever it was, the job is tried again or buried with the reason
            span.fail(error)
            return error, now_us() - started
        finally:
            span.end()

    async def _retry(self) -> None:
        while True:
            try:
                for message in await self._readers.run(partial(self.lot.due, self._streams.values())):
                    await self._again(message)
            except Unavailable as error:
                self.trouble = f"{self.group} cannot retry: {error}"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._retry_now.wait(), IDLE_SECONDS)
            self._retry_now.clear()

    async def _again(self, message: ParkedMessage) -> None:
        envelope = decode_envelope(message.envelope)
        error, handler_us = await self._run(envelope, message.attempts + 1)
        if error is None:
            await self._writer.run(partial(self._done_at_last, message, envelope, handler_us))
        else:
            permanent = isinstance(error, InvalidInput | RuleViolated)
            await self._writer.run(partial(self.lot.failed, message, str(error) or repr(error), permanent))

    def _done_at_last(self, message: ParkedMessage, envelope: Envelope, handler_us: int) -> None:
        self.lot.release(message)
        self._note_done(message.stream, message.seq, envelope, message.attempts + 1, handler_us)

    def _is_done(self, stream: StreamName, seq: int) -> bool:
        """Done, or set aside, before: the entry came back because its acknowledgement was lost."""
        return bool(self._writer.database.run(_IS_DONE, (*(self.group, *stream, seq) * 2,)))

    def _note_done(self, stream: StreamName, seq: int, envelope: Envelope, attempts: int, handler_us: int) -> None:
        identity = (self.group, *stream, seq, envelope.id, envelope.type, envelope.subject, envelope.correlationid)
        self._writer.database.run(_DONE, (*identity, "applied", attempts, 0, 0, handler_us, 0, now_us(), ""))


_IS_DONE = """
    SELECT 1 FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
    UNION ALL
    SELECT 1 FROM parked WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
"""
_DONE = """
    INSERT INTO deliveries (group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome,
                            attempts, outbox_us, stream_us, handler_us, critical_us, committed_at, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
