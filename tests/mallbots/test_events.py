import asyncio
import json
from typing import Any

import pytest

from mallbots.events import first_sequence, matches, tail
from mallbots.reporting import Failed
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import Unavailable
from tests.support.world import World, eventually


@pytest.mark.parametrize("pattern", ["", "ordering.OrderApproved", "OrderApproved", "Order*", "ordering.*", "*.Order*"])
def test_a_type_matches_with_and_without_its_context(pattern: str) -> None:
    assert matches(pb.LogEntry(type="ordering.OrderApproved"), pattern)


@pytest.mark.parametrize("pattern", ["depot.*", "Approved", "orderapproved", "ordering", "OrderApproved.*"])
def test_other_types_do_not_match(pattern: str) -> None:
    assert not matches(pb.LogEntry(type="ordering.OrderApproved"), pattern)


@pytest.mark.parametrize("start, first", [("new", 0), ("start", 1), ("1", 1), ("17", 17)])
def test_a_tail_begins_where_it_is_told(start: str, first: int) -> None:
    assert first_sequence(start) == first


@pytest.mark.parametrize("start", ["", "0", "-1", "1.5", "end", "²", str(1 << 63)])
def test_a_place_that_is_none_is_refused(start: str) -> None:
    with pytest.raises(Failed, match="must be start, new or a sequence"):
        first_sequence(start)


async def test_a_tail_shows_the_log_in_its_order(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    for text in ("one", "two", "three"):
        await teller.say(text, key=text)

    await tail(world.directory, "", "", "start", False, True)

    events = told(capsys)
    assert [event["data"] for event in events] == [{"text": "one"}, {"text": "two"}, {"text": "three"}]
    assert {event["type"] for event in events} == {"teller.Said"}
    assert all(event["id"] and event["time"].endswith("Z") and event["source"] == "teller" for event in events)


async def test_a_tail_begins_at_a_sequence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    await teller.say("one", "two", "three")

    await tail(world.directory, "teller", "Said", "2", False, True)

    assert [event["data"]["text"] for event in told(capsys)] == ["two", "three"]


async def test_a_tail_leaves_out_what_is_not_wanted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    await teller.say("one")

    await tail(world.directory, "", "Whispered", "start", False, True)

    assert told(capsys) == []


async def test_a_tail_reads_the_database_of_one_that_is_gone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    await teller.say("one")
    await teller.stop()
    (world.directory / "run" / "teller.json").unlink()

    await tail(world.directory, "", "", "start", True, True)

    assert [event["data"]["text"] for event in told(capsys)] == ["one"]


async def test_a_tail_follows_until_it_is_interrupted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, seen = await world.teller(), []
    await teller.say("long ago")
    following = asyncio.create_task(tail(world.directory, "", "", "new", True, True))

    async def sees_something() -> bool:
        await teller.say("news")
        seen.extend(told(capsys))
        return bool(seen)

    await eventually(sees_something)
    following.cancel()
    await following

    assert {event["data"]["text"] for event in seen} == {"news"}


async def test_a_tail_of_a_process_that_does_not_answer_fails(world: World) -> None:
    teller = await world.teller()
    await teller.stop()

    with pytest.raises(Unavailable):
        await tail(world.directory, "teller", "", "start", False, True)


async def test_people_get_a_line_for_each_event(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    await teller.say("one", key="somebody")

    await tail(world.directory, "", "", "start", False, False)

    (line,) = capsys.readouterr().out.splitlines()
    assert line.split()[1] == "teller" and "Said" in line and line.endswith('somebody  {"text": "one"}')


async def test_a_context_that_is_not_there_is_refused(world: World) -> None:
    await world.teller()

    with pytest.raises(Failed, match="there is no context 'depot' here: choose from teller"):
        await tail(world.directory, "depot", "", "start", False, True)


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
