"""What a group let go by before it listened to it is counted, and heard once when somebody says so."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.messages import Contract
from mallbots_platform.operator_api import SERVICE
from mallbots_platform.process import Process, open_process
from tests.conftest import new_database
from tests.support.world import TELLER, Running, Said, Whispered, World, eventually, heard, metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    world = World(tmp_path, redis_server)
    if request.param == "postgresql":
        world.databases["listener"] = new_database(request.getfixturevalue("postgres_url"))
    return world


@asynccontextmanager
async def open_listener(world: World, kinds: Iterable[type], *, projects: bool = False) -> AsyncIterator[Process]:
    """Writes down what it hears of these."""
    async with open_process(Contract(context="listener"), world.settings_of("listener")) as process:
        process.create_tables(metadata)

        def note(message: Any) -> None:
            process.database.run("INSERT INTO heard (text) VALUES (?)", (message.text,))

        handlers = dict.fromkeys(kinds, note)
        if projects:
            process.project(TELLER, handlers, (heard,))
        else:
            process.subscribe(TELLER, handlers)
        yield process


async def listen(world: World, *kinds: type, projects: bool = False) -> Running:
    return await world.start(open_listener(world, kinds, projects=projects))


async def tell(teller: Running, *messages: object, key: str = "k") -> None:
    for message in messages:
        await teller.process.change(lambda message=message: teller.process.outbox.record(message, key=key))  # type: ignore[misc] # a default binds it


async def ask(running: Running, method: str, request: Any) -> Any:
    channel = open_channel(running.process.endpoint.operator)
    try:
        return await getattr(client_for(channel, SERVICE), method)(request)
    finally:
        await channel.close(None)


async def passed_over(running: Running) -> list[tuple[str, str, int]]:
    status = await ask(running, "GetStatus", pb.GetStatusRequest())
    return [(each.group, each.type, each.messages) for each in status.passed_over]


async def hear(running: Running, *, leave: bool = False) -> tuple[int, int]:
    answer = await ask(running, "HearPassedOver", pb.HearPassedOverRequest(group="listener", leave=leave))
    return answer.messages, answer.gone


async def test_what_was_passed_over_is_told_and_heard_once(places: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, older = await places.teller(), await listen(places, Said)
    await tell(teller, Whispered(text="w1"), Said(text="s1"), Whispered(text="w2"))
    await tell(teller, Whispered(text="w3"), key="other")
    assert await older.hears("s1")
    assert await eventually(lambda: ignored(older, 3))
    await older.stop()

    newer = await listen(places, Said, Whispered)
    assert await eventually(lambda: passed_over(newer)) == [("listener", "teller.Whispered", 3)]
    assert '"event": "messages passed over"' in capsys.readouterr().out
    assert await newer.heard() == ["s1"]
    answers = await asyncio.gather(hear(newer), hear(newer))
    assert sum(messages for messages, _ in answers) == 3

    found = await newer.until(lambda texts: len(texts) == 4)
    assert [text for text in found if text in ("w1", "w2")] == ["w1", "w2"]
    assert await hear(newer) == (0, 0)
    assert await passed_over(newer) == []
    assert await newer.rows("SELECT outcome, attempts, COUNT(*) FROM deliveries GROUP BY outcome, attempts") == [
        ("applied", 1, 4)
    ]


async def ignored(running: Running, number: int) -> bool:
    return await running.rows("SELECT COUNT(*) FROM deliveries WHERE outcome = 'ignored'") == [(number,)]


async def test_what_an_older_program_has_passed_over_meanwhile_is_told(places: World) -> None:
    """It was rolled back, and comes again."""
    teller, newer = await places.teller(), await listen(places, Said, Whispered)
    await tell(teller, Whispered(text="w1"))
    assert await newer.hears("w1")
    await newer.stop()
    older = await listen(places, Said)
    await tell(teller, Whispered(text="w2"), Said(text="s1"))
    assert await older.hears("w1", "s1")
    await older.stop()

    again = await listen(places, Said, Whispered)

    assert await eventually(lambda: passed_over(again)) == [("listener", "teller.Whispered", 1)]
    assert await hear(again) == (1, 0)
    assert await again.hears("w1", "s1", "w2")


async def test_it_may_be_left(world: World) -> None:
    teller, older = await world.teller(), await listen(world, Said)
    await tell(teller, Whispered(text="w1"), Said(text="s1"))
    assert await older.hears("s1")
    await older.stop()
    newer = await listen(world, Said, Whispered)
    await eventually(lambda: passed_over(newer))

    assert await hear(newer, leave=True) == (1, 0)
    await newer.stop()
    again = await listen(world, Said, Whispered)
    await tell(teller, Said(text="s2"))

    assert await again.hears("s1", "s2")
    assert await hear(again) == (0, 0)
    assert await passed_over(again) == []


async def test_a_projection_is_made_anew(world: World) -> None:
    """So that all of it is in its order."""
    teller, older = await world.teller(), await listen(world, Said, projects=True)
    await tell(teller, Whispered(text="w1"), Said(text="s1"))
    assert await older.hears("s1")
    await older.stop()
    newer = await listen(world, Said, Whispered, projects=True)
    await eventually(lambda: passed_over(newer))

    assert (await hear(newer))[1] == 0

    assert await newer.hears("w1", "s1")
    assert await hear(newer) == (0, 0)


async def test_what_a_replay_has_applied_is_not_passed_over_any_more(world: World) -> None:
    teller, older = await world.teller(), await listen(world, Said)
    await tell(teller, Whispered(text="w1"), Said(text="s1"))
    assert await older.hears("s1")
    await older.stop()
    newer = await listen(world, Said, Whispered)
    await eventually(lambda: passed_over(newer))

    await newer.process.subscriptions["listener"].rewind("", 1)

    assert await newer.hears("s1", "w1", "s1")
    assert await hear(newer) == (0, 0)
