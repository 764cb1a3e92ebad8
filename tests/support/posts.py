"""A small context with a work queue: letters are put into it and delivered, by one process or several."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from redis.exceptions import ResponseError

from mallbots_platform.messages import Contract, command, event
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.process import Process, open_process
from mallbots_platform.work_queues import WorkQueue
from tests.support.world import Running, World, eventually, redis_client

GROUP, CHANNEL = "post.letters", "jobs.letters"
NAMES = [f"name-{number:02}" for number in range(30)]


@command
class Letter:
    to: str


@command
class Parcel:
    """Nobody delivers it."""

    to: str


@event
class Delivered:
    to: str


POST = Contract(context="post", events=(Delivered,), commands=(Letter, Parcel))
Deliver = Callable[[Letter], Awaitable[object]]


class Post:
    """A process of the context at work. `delivered` is what its workers did, in order."""

    def __init__(self, running: Running, delivered: list[str]) -> None:
        self.running = running
        self.process = running.process
        self.delivered = delivered

    @property
    def queue(self) -> WorkQueue:
        return self.process.queues[GROUP]

    async def put(self, *names: str, job: type[Any] = Letter) -> None:
        def put() -> None:
            for name in names:
                self.queue.put(job(to=name), name)

        await self.process.change(put)

    async def outcomes(self) -> dict[str, str]:
        """What became of each job, by its key."""
        rows = await self.running.rows("SELECT key, outcome FROM deliveries WHERE group_name = ?", GROUP)
        return {str(key): str(outcome) for key, outcome in rows}

    async def does(self, *names: str, seconds: float = 30.0) -> bool:
        """Wait until all of these are done."""
        return bool(await eventually(partial(self._are_done, *names), seconds))

    async def _are_done(self, *names: str) -> bool:
        outcomes = await self.outcomes()
        return all(outcomes.get(name) == "applied" for name in names)

    async def parked(self) -> list[tuple[str, str, int]]:
        """Key, state and attempts of what is set aside."""
        statement = "SELECT key, state, attempts FROM parked WHERE group_name = ? ORDER BY id"
        return [
            (str(key), str(state), int(attempts)) for key, state, attempts in await self.running.rows(statement, GROUP)
        ]

    async def has_parked(self, state: str, attempts: int) -> bool:
        """Exactly one job, and in this state."""
        return [parked[1:] for parked in await self.parked()] == [(state, attempts)]

    async def counts(self, number: int, outcome: str) -> bool:
        """Wait until so many deliveries came to this."""
        return await self.running.counts(number, "mallbots_deliveries_total", group=GROUP, outcome=outcome)


def stream_of(name: str) -> StreamName:
    return StreamName("post", CHANNEL, partition_of(name, 4))


async def open_post(world: World, deliver: Deliver | None = None, **changes: Any) -> Post:
    """`changes` of `workers` and `claim_seconds` concern the queue, others the settings."""
    of_queue = {name: changes.pop(name) for name in ("workers", "claim_seconds") if name in changes}
    delivered: list[str] = []

    async def work(letter: Letter) -> object:
        then = await deliver(letter) if deliver else None
        delivered.append(letter.to)
        return then

    @asynccontextmanager
    async def compose() -> AsyncIterator[Process]:
        async with open_process(POST, world.settings_of("post", **changes)) as process:
            process.work_queue("letters", {Letter: work}, **of_queue)
            yield process

    return Post(await world.start(compose()), delivered)


async def nothing_is_left(world: World) -> bool:
    """In the streams of the queue."""
    async with redis_client(world.redis) as client:
        return not any([await client.xlen(StreamName("post", CHANNEL, partition).key) for partition in range(4)])


async def hold_as_a_dead_worker(world: World, *names: str) -> int:
    """Jobs are put by a process without workers, and read by somebody who is never heard of again; how many."""
    post = await open_post(world, workers=0)
    await post.put(*names)
    await eventually(lambda: post.process.relay.behind == 0)
    held = await take_as_a_dead_worker(world)
    await post.running.stop()
    return held


async def take_as_a_dead_worker(world: World) -> int:
    """Everything that waits is read; how many entries."""
    taken = 0
    async with redis_client(world.redis) as client:
        for partition in range(4):
            key = StreamName("post", CHANNEL, partition).key
            with contextlib.suppress(ResponseError):  # the group exists
                await client.xgroup_create(key, GROUP, "0", mkstream=True)
            answer = await client.xreadgroup(GROUP, "dead", {key: ">"}, count=1000)
            taken += sum(len(entries) for _, entries in answer or [])
    return taken
