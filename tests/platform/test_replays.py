"""What was applied is applied again: projections begin empty, all else is asked about; by anybody, however often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from mallbots_platform.errors import RuleViolated
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.partitions import partition_of
from mallbots_platform.process import Process, open_process
from mallbots_platform.replays import WouldComeAgain
from tests.conftest import new_database
from tests.support.world import TELLER, Running, Said, World, eventually, metadata


@event
class Answered:
    text: str


@command
class Remind:
    text: str


ANSWERER = Contract(context="answerer", events=(Answered,))


async def answerer(world: World, *, projects: bool = False) -> Running:
    """It says something to each message, and sets a timer."""

    @asynccontextmanager
    async def compose() -> AsyncIterator[Process]:
        async with open_process(ANSWERER, world.settings_of("answerer")) as process:
            process.create_tables(metadata)

            def answer(said: Said) -> None:
                process.outbox.record(Answered(text=said.text), key="k")
                process.timers.set(Remind(text=said.text), said.text, process.now() + timedelta(hours=1))

            if projects:
                process.project(TELLER, {Said: answer}, (metadata.tables["heard"],))
            else:
                process.subscribe(TELLER, {Said: answer})
            process.on_timers({Remind: lambda remind: None})
            yield process

    return await world.start(compose())


async def replay(running: Running, from_seq: int = 1, *, group: str = "", with_effects: bool = False) -> int:
    subscription = running.process.subscriptions[group or running.process.context]
    return (await subscription.replay("teller", from_seq, with_effects=with_effects)).messages


async def test_a_projection_is_emptied_and_made_anew(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(projects=True)
    await teller.say("one", "two", "three")
    assert await listener.hears("one", "two", "three")
    await listener.process.change(lambda: listener.process.database.run("UPDATE heard SET text = 'spoilt'"))

    assert await replay(listener) == 3
    await teller.say("four")

    assert await listener.hears("one", "two", "three", "four")


async def test_what_has_effects_is_refused_with_what_would_come_again(world: World) -> None:
    teller, talker = await world.teller(), await answerer(world)
    await teller.say("one", "two", "three")
    await eventually(lambda: has_answered(talker, 3))

    with pytest.raises(WouldComeAgain) as refused:
        await replay(talker)

    told = "answerer is no projection: 3 messages would be applied again, and with them 3 events, 3 timers"
    assert str(refused.value).startswith(told)
    assert await has_answered(talker, 3)


async def has_answered(talker: Running, times: int) -> bool:
    return len(await talker.rows("SELECT 1 FROM outbox WHERE type = 'answerer.Answered'")) == times


async def test_effects_come_again_where_that_is_wanted(world: World) -> None:
    teller, talker = await world.teller(), await answerer(world)
    await teller.say("one", "two")
    await eventually(lambda: has_answered(talker, 2))
    first = await talker.rows("SELECT seq, message_id, committed_at FROM deliveries ORDER BY seq")

    assert await replay(talker, with_effects=True) == 2

    assert await eventually(lambda: has_answered(talker, 4))
    assert await talker.rows("SELECT seq, message_id, committed_at FROM deliveries ORDER BY seq") == first


async def test_a_projection_that_says_something_fails(world: World) -> None:
    teller, talker = await world.teller(), await answerer(world, projects=True)

    await teller.say("one")

    assert await eventually(lambda: talker.rows("SELECT 1 FROM parked"))
    [(error,)] = await talker.rows("SELECT error FROM parked")
    assert "a projection may not say anything" in error
    assert await has_answered(talker, 0)


async def test_a_projection_is_not_made_anew_from_its_middle(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(projects=True)
    await teller.say("one", "two")
    assert await listener.hears("one", "two")

    with pytest.raises(RuleViolated, match="makes its tables anew, from the start"):
        await replay(listener, 2)

    assert await listener.hears("one", "two")


async def test_a_replay_that_is_asked_again_in_its_middle_begins_again(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(projects=True)
    texts = [f"{number}" for number in range(900)]
    await teller.say(*texts)
    assert await listener.hears(*texts)

    for least in (1, 300, 600):
        await replay(listener)
        await listener.until(lambda found, least=least: len(found) >= least)  # type: ignore[misc] # a default binds it
    await listener.crash()
    listener = await world.listener(projects=True)

    assert await listener.hears(*texts)
    assert await listener.rows("SELECT DISTINCT outcome FROM deliveries") == [("applied",)]


async def test_a_replay_asked_of_another_process_takes_place(world: World, postgres_url: str) -> None:
    """It need not own the partition."""
    world.databases["listener"] = new_database(postgres_url)
    teller, one = await world.teller(), await world.listener(projects=True)
    await teller.say(*[f"{number}" for number in range(20)], key="a")
    await one.until(lambda found: len(found) == 20)
    other = await world.listener(projects=True)
    assert partition_of("a", 4) in one.process.subscriptions["listener"]._leases.owned

    for turn in range(3):
        talking = asyncio.create_task(talk(teller, turn))
        await asyncio.sleep(0.05)
        await one.process.change(lambda: one.process.database.run("UPDATE heard SET text = 'spoilt'"))
        await replay(other)
        await talking

    said = [f"{number}" for number in range(20)] + [f"{turn}.{number}" for turn in range(3) for number in range(30)]
    assert await one.hears(*said, seconds=20)


async def talk(teller: Running, turn: int) -> None:
    for number in range(30):
        await teller.say(f"{turn}.{number}", key="a")
