import json
from pathlib import Path

import pytest

from mallbots.lag import by_place, lag
from mallbots.reporting import Failed
from mallbots_platform import operator_pb2 as pb
from tests.support.world import World


def test_partitions_stand_together_in_their_order() -> None:
    found = [
        pb.Lag(group="search", source="ordering", channel="events", partition=1),
        pb.Lag(group="depot", source="stores", channel="events", partition=0),
        pb.Lag(group="search", source="ordering", channel="events", partition=0),
    ]

    places = by_place(found)

    assert list(places) == [("depot", "stores", "events"), ("search", "ordering", "events")]
    assert [each.partition for each in places["search", "ordering", "events"]] == [0, 1]


async def test_who_keeps_up_is_not_behind(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    await listener.hears("one", "two")

    await lag(world.directory, True)

    found = json.loads(capsys.readouterr().out)
    assert [each["partition"] for each in found] == [0, 1, 2, 3]
    assert {each["group"] for each in found} == {"listener"}
    assert sum(each["applied_sequence"] for each in found) == 2
    assert sum(each["behind_events"] for each in found) == 0


async def test_people_get_a_line_for_each_subscription(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.teller()
    await world.listener()

    await lag(world.directory, False)

    title, row = capsys.readouterr().out.splitlines()
    assert title.split()[:5] == ["group", "source", "channel", "applied", "behind"]
    assert row.split() == ["listener", "teller", "events", "0", "0", "0.0", "0", "0", "0", "0"]


async def test_nobody_is_behind_where_nothing_runs(world: World) -> None:
    teller = await world.teller()
    await teller.stop()
    (world.directory / "run" / "teller.json").unlink()

    with pytest.raises(Failed, match="nothing runs here"):
        await lag(world.directory, True)


async def test_a_directory_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=f"there is no data in {tmp_path}"):
        await lag(tmp_path, True)
