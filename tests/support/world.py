"""Two small contexts over the real platform: `teller` says things, `listener` writes down what it hears."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.messages import Contract, event
from mallbots_platform.process import Process, open_process
from mallbots_platform.projections import MessageHandler
from mallbots_platform.settings import Settings
from mallbots_platform.streams import RedisClient, open_redis
from telemetry.testing import CapturedSpans


@event
class Said:
    text: str


@event
class Whispered:
    """Nobody handles it."""

    text: str


TELLER = Contract(context="teller", events=(Said, Whispered))

metadata = MetaData()
heard = Table(
    "heard",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("text", Text, nullable=False),
)
Heard = Callable[[str], object]


class World(AbstractAsyncContextManager["World"]):
    """Processes in this event loop, with databases that outlive them."""

    def __init__(self, directory: Path, redis: EmbeddedRedis, **settings: Any) -> None:
        self.directory = directory
        self.redis = redis
        self.settings = {"lease_seconds": 1.0, "retry_base_seconds": 0.01, "retry_cap_seconds": 0.02} | settings
        self.databases: dict[str, str] = {}
        self._stack = AsyncExitStack()

    def settings_of(self, context: str, **changes: Any) -> Settings:
        url = self.databases.get(context, f"sqlite:///{self.directory / context}.db")
        places = {"database_url": url, "redis_url": self.redis.url, "endpoints": str(self.directory)}
        return Settings(context=context, **(places | self.settings | changes))

    async def teller(self, contract: Contract = TELLER, **changes: Any) -> "Running":
        return await self.start(open_process(contract, self.settings_of("teller", **changes)))

    async def listener(
        self,
        on_said: Heard | None = None,
        context: str = "listener",
        purposes: Iterable[str] = ("",),
        *,
        projects: bool = False,
        **changes: Any,
    ) -> "Running":
        """It writes down what it hears, once for each purpose; `on_said` may refuse. Where it `projects`, it does
        nothing else, and says so."""

        @asynccontextmanager
        async def compose() -> AsyncIterator[Process]:
            async with open_process(Contract(context=context), self.settings_of(context, **changes)) as process:
                process.create_tables(metadata)

                def write_down(said: Said, purpose: str) -> None:
                    if on_said:
                        on_said(said.text)
                    text = f"{purpose}: {said.text}" if purpose else said.text
                    process.database.run("INSERT INTO heard (text) VALUES (?)", (text,))

                for purpose in purposes:
                    handlers: dict[type, MessageHandler] = {Said: partial(write_down, purpose=purpose)}
                    if projects:
                        process.project(TELLER, handlers, (heard,), purpose=purpose)
                    else:
                        process.subscribe(TELLER, handlers, purpose=purpose)
                yield process

        return await self.start(compose())

    async def start(self, composed: Any) -> "Running":
        running = Running(composed)
        await running.start()
        self._stack.push_async_callback(running.stop)
        return running

    async def __aenter__(self) -> "World":
        await flush(self.redis)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()


class Running:
    """A process at work; `crash` leaves without finishing anything."""

    def __init__(self, composed: Any) -> None:
        self._composed = composed
        self._task: asyncio.Task[None] | None = None
        self.process: Process

    async def start(self) -> None:
        self.process = await self._composed.__aenter__()
        await self.process.start()
        self._task = asyncio.create_task(self.process.run())

    async def stop(self) -> None:
        if self._task is None:
            return
        task, self._task = self._task, None
        self.process.stop()
        await task
        await self._composed.__aexit__(None, None, None)

    async def crash(self) -> None:
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self._composed.__aexit__(None, None, None)

    async def say(self, *texts: str, key: str = "k") -> None:
        def work() -> None:
            for text in texts:
                self.process.outbox.record(Said(text=text), key=key)

        await self.process.change(work)

    def capture(self) -> CapturedSpans:
        """Where its spans go from now on."""
        tracer, sink = self.process.telemetry.tracer, CapturedSpans()
        tracer._recording = tracer._recording._replace(sink=sink)
        return sink

    def measured(self, metric: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        samples = (sample for family in self.process.meter.registry.collect() for sample in family.samples)
        return sum(s.value for s in samples if s.name == metric and labels.items() <= s.labels.items())

    async def counts(self, number: float, metric: str, **labels: str) -> bool:
        """Wait until a metric has come to this: a count follows its commit, which a test may see first."""
        return bool(await eventually(lambda: self.measured(metric, **labels) == number))

    async def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return await self.process.read(lambda: self.process.database.run(statement, parameters))

    async def heard(self) -> list[str]:
        return await self.process.read(
            lambda: [text for (text,) in self.process.database.run("SELECT text FROM heard ORDER BY position")]
        )

    async def hears(self, *texts: str, seconds: float = 10.0) -> bool:
        """Wait until exactly these were heard, in this order."""
        return bool(await self.until(lambda found: found == list(texts), seconds))

    async def until(self, condition: Callable[[list[str]], bool], seconds: float = 10.0) -> list[str]:
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition(found := await self.heard()):
            assert asyncio.get_running_loop().time() < deadline, f"heard only {found[-20:]} ({len(found)})"
            await asyncio.sleep(0.01)
        return found


async def eventually(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait for a condition, which may be a coroutine function; what it came to."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def redis_client(redis: EmbeddedRedis) -> AsyncIterator[RedisClient]:
    client = open_redis(redis.url)
    try:
        yield client
    finally:
        await client.aclose()


async def flush(redis: EmbeddedRedis) -> None:
    async with redis_client(redis) as client:
        await client.flushall()
