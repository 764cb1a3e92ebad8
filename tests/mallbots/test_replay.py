import json

import pytest

from mallbots.replay import replay
from mallbots.reporting import Failed
from mallbots_platform.errors import InvalidInput, NotFound, Unavailable
from mallbots_platform.grpc_client import Refused
from tests.support.world import World


async def test_a_replay_applies_the_log_once_more(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    await listener.hears("one", "two")

    await replay(world.directory, "listener", "start", "", True, again_with_effects=True)

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told == {"group": "listener", "messages": 2, "emptied": []}
    assert await listener.hears("one", "two", "one", "two")


async def test_a_projection_is_made_anew(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, listener = await world.teller(), await world.listener(projects=True)
    await teller.say("one", "two")
    await listener.hears("one", "two")
    await listener.process.change(lambda: listener.process.database.run("UPDATE heard SET text = 'spoilt'"))

    await replay(world.directory, "listener", "start", "", False)

    assert "listener applies 2 messages again; made anew: heard" in capsys.readouterr().out
    assert await listener.hears("one", "two")


async def test_a_replay_begins_at_a_sequence(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    await listener.hears("one", "two")

    await replay(world.directory, "listener", "2", "teller", False, again_with_effects=True)

    assert "listener applies 1 message again\n" in capsys.readouterr().out
    assert await listener.hears("one", "two", "two")


async def test_what_cannot_be_replayed_is_refused(world: World) -> None:
    await world.teller()
    await world.listener()

    with pytest.raises(Failed, match="--from is 'new'"):
        await replay(world.directory, "listener", "new", "", True)
    with pytest.raises(Failed, match="--from is 'never'"):
        await replay(world.directory, "listener", "never", "", True)
    with pytest.raises(Failed, match="there is no context 'search' here: choose from listener, teller"):
        await replay(world.directory, "search.orders", "start", "", True)
    with pytest.raises(NotFound, match=r"no consumer group has the id 'listener\.again'"):
        await replay(world.directory, "listener.again", "start", "", True)
    with pytest.raises(Refused, match="listener is no projection: 0 messages would be applied again; --again-with-eff"):
        await replay(world.directory, "listener", "start", "", True)
    with pytest.raises(InvalidInput, match="subscribes to teller only"):
        await replay(world.directory, "listener", "start", "depot", True)


async def test_only_a_running_process_can_replay(world: World) -> None:
    listener = await world.listener()
    await listener.stop()
    (world.directory / "run" / "listener.json").unlink()

    with pytest.raises(Unavailable, match="start it with `mallbots up` first"):
        await replay(world.directory, "listener", "start", "", True)
