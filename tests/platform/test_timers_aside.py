"""A timer that has ended too many lives waits for an operator, who lets it go off or gives it up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import now
from mallbots_platform.due_timers import DueTimer
from mallbots_platform.errors import NotFound
from mallbots_platform.messages import Contract, command
from mallbots_platform.process import Process, open_process
from mallbots_platform.timers_aside import AT_NO_TIME
from tests.support.world import Running, World, eventually

GROUP = "sleeper.timers"


@command
class Wake:
    who: str


class Sleeper:
    def __init__(self, running: Running, woken: list[str]) -> None:
        self.running = running
        self.process = running.process
        self.woken = woken

    async def set(self, who: str, hours: float = 1) -> None:
        await self.process.change(lambda: self.process.timers.set(Wake(who=who), who, now() + timedelta(hours=hours)))

    async def set_aside(self, *names: str) -> None:
        """As a timer that has killed too often."""
        for who in names:
            await self.set(who)
            [row] = await self.running.rows(
                "SELECT type, key, id, due_at, attempts, data, correlation_id, traceparent, causation_id,"
                " data_version FROM timers WHERE key = ?",
                who,
            )
            assert await self.process.change(lambda: self.process.timers.lot.put(DueTimer(*row), "it kills"))  # noqa: B023 # awaited at once

    async def parked(self) -> list[tuple[Any, ...]]:
        return await self.running.rows("SELECT group_name, type, key, state, error FROM parked ORDER BY id")

    async def operator(self, method: str, request: Any) -> Any:
        client = await self.process.peers.operator("sleeper")
        return await getattr(client, method)(request)


async def sleeper(world: World, url: str) -> Sleeper:
    world.databases["sleeper"] = url
    woken: list[str] = []

    @asynccontextmanager
    async def compose() -> AsyncIterator[Process]:
        async with open_process(Contract(context="sleeper"), world.settings_of("sleeper")) as process:
            process.on_timers({Wake: lambda timer: woken.append(timer.who)})
            yield process

    return Sleeper(await world.start(compose()), woken)


async def test_it_is_listed_and_never_due(world: World, database_url: str) -> None:
    asleep = await sleeper(world, database_url)

    await asleep.set_aside("ann", "ben")

    listed = (await asleep.operator("ListParked", pb.ListParkedRequest(group=GROUP))).parked
    assert [(each.type, each.subject, each.state, each.error) for each in listed] == [
        ("sleeper.Wake", "ann", "dead", "it kills"),
        ("sleeper.Wake", "ben", "dead", "it kills"),
    ]
    assert await asleep.running.rows("SELECT DISTINCT due_at FROM timers") == [(AT_NO_TIME,)]


async def test_an_operator_lets_it_go_off(world: World, database_url: str) -> None:
    asleep = await sleeper(world, database_url)
    await asleep.set_aside("ann", "ben")
    [ann, _] = (await asleep.operator("ListParked", pb.ListParkedRequest(group=GROUP))).parked

    await asleep.operator("RetryParked", pb.RetryParkedRequest(id=ann.id))
    assert await eventually(lambda: asleep.woken == ["ann"])
    answer = await asleep.operator("RetryParked", pb.RetryParkedRequest(group=GROUP))

    assert await eventually(lambda: asleep.woken == ["ann", "ben"])
    assert answer.retried == 1
    assert await asleep.parked() == []


async def test_an_operator_gives_it_up(world: World, database_url: str) -> None:
    asleep = await sleeper(world, database_url)
    await asleep.set_aside("ann")
    [ann] = (await asleep.operator("ListParked", pb.ListParkedRequest(group=GROUP))).parked

    await asleep.operator("DiscardParked", pb.DiscardParkedRequest(id=ann.id))

    assert await asleep.parked() == []
    assert await asleep.running.rows("SELECT 1 FROM timers") == []
    with pytest.raises(NotFound):
        await asleep.process.change(lambda: asleep.process.timers.lot.retry(ann.id))


async def test_whoever_sets_it_anew_has_settled_it(world: World, database_url: str) -> None:
    asleep = await sleeper(world, database_url)
    await asleep.set_aside("ann")

    await asleep.set("ann", hours=-1)

    assert await eventually(lambda: asleep.woken == ["ann"])
    assert await eventually(lambda: is_forgotten(asleep))


async def test_whoever_cancels_it_has_settled_it(world: World, database_url: str) -> None:
    asleep = await sleeper(world, database_url)
    await asleep.set_aside("ann")
    [(id,)] = await asleep.running.rows("SELECT id FROM parked")

    await asleep.process.change(lambda: asleep.process.timers.cancel(Wake, "ann"))
    await asleep.process.change(lambda: asleep.process.timers.lot.retry(id))

    assert asleep.woken == []
    assert await asleep.running.rows("SELECT 1 FROM timers") == []
    assert await asleep.parked() == []


async def is_forgotten(asleep: Sleeper) -> bool:
    return await asleep.parked() == []


async def test_its_group_is_nobody_elses(world: World) -> None:
    async with open_process(Contract(context="sleeper"), world.settings_of("sleeper")) as process:
        with pytest.raises(ValueError, match="choose another name"):
            process.work_queue("timers", {})
