"""FastStream as its documentation shows it: one subscriber, one publisher, its two telemetry middlewares.

Runs in an environment of its own; what it must know of the work arrives as the work itself.
"""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import asyncio
import sqlite3
from typing import Any

import uvloop
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.annotations import Pipeline
from faststream.redis.opentelemetry import RedisTelemetryMiddleware
from faststream.redis.prometheus import RedisPrometheusMiddleware
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from loadtests.bench.gate import Gate
from loadtests.bench.letters import INSERT, TABLE, letter_fields

IN, OUT, GROUP = "letters", "receipts", "receiver"
QUEUE = 50_000  # at its default of 2,048 a burst loses spans, and what is lost costs nothing


class LetterSent(BaseModel):
    number: int
    sender: str
    receiver: str
    street: str
    city: str
    text: str


class LetterReceived(BaseModel):
    number: int
    receiver: str


class Consumer:
    def __init__(self, work: dict[str, Any]) -> None:
        self.work = work
        self.provider = TracerProvider(resource=Resource.create({"service.name": "receiver"}))
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=QUEUE))
        telemetry = (
            RedisPrometheusMiddleware(registry=CollectorRegistry()),
            RedisTelemetryMiddleware(tracer_provider=self.provider),
        )
        self.broker = RedisBroker(work["redis"], middlewares=telemetry, logger=None)
        self.database = sqlite3.connect(work["database"], isolation_level=None)
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE):
            self.database.execute(statement)

    def one_by_one(self) -> None:
        """A commit, a publication and an acknowledgement for each."""

        @self.broker.subscriber(stream=StreamSub(IN, group=GROUP, consumer=GROUP))
        @self.broker.publisher(stream=OUT)
        async def on_letter(letter: LetterSent) -> LetterReceived:
            self.database.execute(INSERT, (letter.number, letter.receiver, letter.city))
            return LetterReceived(number=letter.number, receiver=letter.receiver)

    def in_batches(self, size: int) -> None:
        """A commit, a pipeline of publications and an acknowledgement for a batch."""
        out = self.broker.publisher(stream=OUT)

        @self.broker.subscriber(stream=StreamSub(IN, group=GROUP, consumer=GROUP, batch=True, max_records=size))
        async def on_letters(letters: list[LetterSent], pipe: Pipeline) -> None:
            self.database.execute("BEGIN IMMEDIATE")
            self.database.executemany(INSERT, [(each.number, each.receiver, each.city) for each in letters])
            self.database.execute("COMMIT")
            for each in letters:
                await out.publish(LetterReceived(number=each.number, receiver=each.receiver), pipeline=pipe)
            await pipe.execute()

    async def fill(self) -> None:
        """Its own messages, published by itself, wait in the stream; its group begins before the first of them."""
        redis = await self.broker.connect()
        await redis.xgroup_create(IN, GROUP, "0", mkstream=True)
        for number in range(self.work["events"]):
            await self.broker.publish(LetterSent(**letter_fields(number)), stream=IN)
        await asyncio.to_thread(self.provider.force_flush)


async def main(gate: Gate) -> None:
    consumer = Consumer(gate.work)
    if size := gate.work["batch"]:
        consumer.in_batches(size)
    else:
        consumer.one_by_one()
    await consumer.fill()
    await asyncio.to_thread(gate.wait)
    await consumer.broker.start()
    await asyncio.to_thread(gate.wait_for_the_end)
    await asyncio.to_thread(consumer.provider.force_flush)
    gate.report()
    await consumer.broker.stop()


if __name__ == "__main__":
    uvloop.run(main(Gate()))
