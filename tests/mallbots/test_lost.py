"""What an operator sees of a database that went back, and how it is settled."""

import json

import pytest

from mallbots.lost import list_lost, settle_lost
from mallbots.reporting import Failed
from tests.platform.test_truth import BEFORE, LOST, a_teller_that_went_back, go_back, is_told
from tests.support.world import Running, World, eventually


async def after_going_back(world: World) -> tuple[Running, Running]:
    listener = await world.listener()
    teller = await a_teller_that_went_back(world)
    assert await listener.hears(*BEFORE, *LOST)
    teller = await go_back(world, teller)
    await teller.say("new 4")
    await eventually(lambda: is_told(listener), seconds=15)
    await eventually(lambda: teller.process.relay.aside.messages == len(LOST))
    return teller, listener


async def test_what_was_lost_is_told_on_both_sides(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await after_going_back(world)
    capsys.readouterr()

    await list_lost(world.directory, False)
    lines = capsys.readouterr().out.splitlines()
    await list_lost(world.directory, True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])

    text = [line for line in lines if not line.startswith("{")]
    assert text[:3] == [
        "listener waits in teller.events 1: both have up to 3",
        "  applied here, lost there: 4 to 6",
        "  said there since, not heard here: 4",
    ]
    assert text[3:6] == [
        "k  lost by teller",
        "  kept aside: Said, Said, Said",
        "  applied by listener: Said, Said, Said",
    ]
    assert "  mallbots lost go-on teller      # what was lost stays lost" in text
    [conversation] = told["conversations"]
    assert (conversation["applied_by"], conversation["settled"]) == ({"listener": ["Said"] * 3}, False)
    assert told["partings"][0]["agreed_sequence"] == 3


@pytest.mark.parametrize(("take_back", "said_again"), [(False, ""), (True, ", 3 events said again")])
async def test_it_is_settled_with_one_command(
    world: World, capsys: pytest.CaptureFixture[str], take_back: bool, said_again: str
) -> None:
    _, listener = await after_going_back(world)
    capsys.readouterr()

    await settle_lost(world.directory, "teller", take_back, False)
    told = capsys.readouterr().out

    assert f"3 messages lost by teller{said_again}; everybody goes on from here" in told
    assert await listener.hears(*BEFORE, *LOST, "new 4")
    assert await eventually(lambda: not listener.process.troubles)
    await list_lost(world.directory, False)
    assert "k  lost by teller, settled" in capsys.readouterr().out


async def test_where_nothing_was_lost_that_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.teller()
    capsys.readouterr()

    await list_lost(world.directory, False)

    assert capsys.readouterr().out.splitlines()[-1] == "nothing was lost"
    with pytest.raises(Failed, match="there is no context 'nobody' here"):
        await settle_lost(world.directory, "nobody", False, False)
