import json
from typing import Any

import pytest

from mallbots.operators import open_operators
from mallbots.parked import discard_parked, envelope_of, list_parked, named, retry_parked, show_parked
from mallbots.reporting import Failed
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import NotFound, RuleViolated
from tests.support.world import Running, World, eventually


class Deaf(RuleViolated):
    pass


class Ear:
    """Hears nothing bad until it is mended."""

    def __init__(self) -> None:
        self.is_mended = False

    def __call__(self, text: str) -> None:
        if text == "bad" and not self.is_mended:
            raise Deaf("I heard nothing")


@pytest.mark.parametrize(
    "name, context, number", [("ordering:3", "ordering", 3), ("search.orders:12", "search.orders", 12)]
)
def test_a_name_is_a_context_and_a_number(name: str, context: str, number: int) -> None:
    assert named(name) == (context, number)


@pytest.mark.parametrize(
    "name", ["", "3", "ordering", "ordering:", ":3", "ordering:x", "ordering:0", "ordering:-1", f"a:{1 << 63}"]
)
def test_what_names_nothing_is_refused(name: str) -> None:
    with pytest.raises(Failed, match="names no parked message"):
        named(name)


async def test_what_is_set_aside_is_listed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await one_dead_one_queued(world, Ear())

    await list_parked(world.directory, "", "", True)

    dead, queued = answer(capsys)
    assert (dead["name"], dead["state"], dead["subject"], dead["type"]) == ("listener:1", "dead", "k", "teller.Said")
    assert "I heard nothing" in dead["error"]
    assert dead["attempts"] == 1 and dead["due_at"] is None and dead["parked_at"].endswith("Z")
    assert (queued["name"], queued["state"]) == ("listener:2", "queued")


async def test_the_list_can_be_narrowed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await one_dead_one_queued(world, Ear())

    await list_parked(world.directory, "listener", "dead", True)
    assert [each["name"] for each in answer(capsys)] == ["listener:1"]
    await list_parked(world.directory, "nobody", "", True)
    assert answer(capsys) == []
    with pytest.raises(Failed, match="must be one of waiting, queued, newer, dead"):
        await list_parked(world.directory, "", "asleep", True)


async def test_people_get_a_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await one_dead_one_queued(world, Ear())

    await list_parked(world.directory, "", "", False)

    title, *rows = capsys.readouterr().out.splitlines()
    assert title.split() == ["name", "group", "state", "type", "subject", "attempts", "next", "attempt", "error"]
    assert [row.split()[:4] for row in rows] == [
        ["listener:1", "listener", "dead", "teller.Said"],
        ["listener:2", "listener", "queued", "teller.Said"],
    ]


async def test_nothing_set_aside_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.listener()

    await list_parked(world.directory, "", "", False)

    assert capsys.readouterr().out == "nothing is set aside\n"


async def test_one_is_shown_whole(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await one_dead_one_queued(world, Ear())

    await show_parked(world.directory, "listener:1", False)

    shown = json.loads(capsys.readouterr().out)
    assert shown["envelope"]["data"] == {"text": "bad"}
    assert shown["envelope"]["id"] == shown["message_id"]


@pytest.mark.parametrize("name", ["listener:3", "listener:99"])
async def test_one_that_is_not_there_cannot_be_shown(world: World, name: str) -> None:
    await one_dead_one_queued(world, Ear())

    with pytest.raises(NotFound, match=f"no parked message has the id '{name}'"):
        await show_parked(world.directory, name, True)


async def test_a_retry_goes_first_and_the_queue_follows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ear = Ear()
    listener = await one_dead_one_queued(world, ear)
    ear.is_mended = True

    await retry_parked(world.directory, "listener:1", "", True)

    assert answer(capsys) == {"retried": 1}
    assert await listener.hears("good", "bad", "after bad")


async def test_all_dead_of_a_group_are_retried(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ear = Ear()
    listener = await one_dead_one_queued(world, ear)
    ear.is_mended = True

    await retry_parked(world.directory, "", "listener", False)

    assert capsys.readouterr().out == "1 will be tried again at once\n"
    assert await listener.hears("good", "bad", "after bad")


@pytest.mark.parametrize("name, group", [("", ""), ("listener:1", "listener")])
async def test_a_retry_wants_one_or_the_other(world: World, name: str, group: str) -> None:
    await world.listener()

    with pytest.raises(Failed, match="say which"):
        await retry_parked(world.directory, name, group, True)


async def test_a_discarded_one_lets_the_queue_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    listener = await one_dead_one_queued(world, Ear())

    await discard_parked(world.directory, "listener:1", True)

    assert answer(capsys) == {"discarded": "listener:1"}
    assert await listener.hears("good", "after bad")


def test_an_envelope_that_is_none_is_shown_as_it_is() -> None:
    assert envelope_of(pb.Parked(envelope=b'{"id": "1"}')) == {"id": "1"}
    assert envelope_of(pb.Parked(envelope=b"no \xff json")) == "no \\xff json"


async def one_dead_one_queued(world: World, ear: Ear) -> Running:
    """`bad` is dead, and `after bad`, of the same key, waits behind it."""
    teller, listener = await world.teller(), await world.listener(ear)
    await teller.say("good", key="other")
    await teller.say("bad", "after bad")

    async def both() -> bool:
        async with open_operators(world.directory) as operators:
            return len(await operators.parked()) == 2

    await eventually(both)
    return listener


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


async def test_many_are_given_up_at_once_after_a_look(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def hear(text: str) -> None:
        if text != "fine":
            raise Deaf(f"no {text}")

    teller, listener = await world.teller(), await world.listener(hear)
    for number, text in enumerate(("tea", "coffee", "tea")):
        await teller.say(text, "fine", key=f"{number}")
    await eventually(lambda: all_are_set_aside(listener, 6))
    capsys.readouterr()

    await discard_parked(world.directory, "", True, group="listener", error="no tea")
    would = json.loads(capsys.readouterr().out.splitlines()[-1])["would_discard"]
    still_there = await all_are_set_aside(listener, 6)
    await discard_parked(world.directory, "", True, group="listener", error="no tea", yes=True)
    done = json.loads(capsys.readouterr().out.splitlines()[-1])["discarded"]

    assert len(would) == 2 and still_there
    assert done == would
    assert await listener.until(lambda heard: heard == ["fine", "fine"])
    assert await eventually(lambda: all_are_set_aside(listener, 2))


async def all_are_set_aside(listener: Running, number: int) -> bool:
    return len(await listener.rows("SELECT 1 FROM parked")) == number
