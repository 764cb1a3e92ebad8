"""What an operator may tell a process, and that its database alone answers the same questions."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import InvalidInput, NotFound, Unavailable
from mallbots_platform.grpc_client import Refused
from mallbots_platform.operator_api import offline_operator
from mallbots_platform.partitions import partition_of
from tests.support.listening import listening, operator_of
from tests.support.world import World

IN_K = partition_of("k", 4)


async def test_the_status_tells_what_runs(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)

        status = await (await scene.ask_listener()).GetStatus(pb.GetStatusRequest())

        assert (status.context, status.partitions, status.database) == ("listener", 4, "sqlite")
        assert list(status.troubles) == []
        [group] = status.subscriptions
        assert (group.group, group.source, group.channel, group.partitions) == ("listener", "teller", "events", 4)


@pytest.mark.parametrize("by", ["id", "group"])
async def test_a_retried_message_goes_first_of_its_key(world: World, by: str) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_listener()
        dead, _ = (await operator.ListParked(pb.ListParkedRequest())).parked
        scene.is_willing = True

        request = pb.RetryParkedRequest(id=dead.id) if by == "id" else pb.RetryParkedRequest(group="listener")
        answer = await operator.RetryParked(request)

        assert answer.retried == 1
        heard = await scene.listener.until(lambda found: len(found) == 4)
        assert [text for text in heard if text != "elsewhere"] == ["good", "bad", "behind"]
        assert not (await operator.ListParked(pb.ListParkedRequest())).parked


async def test_a_discarded_message_lets_the_others_on(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_listener()
        dead, _ = (await operator.ListParked(pb.ListParkedRequest())).parked

        await operator.DiscardParked(pb.DiscardParkedRequest(id=dead.id))

        heard = await scene.listener.until(lambda found: len(found) == 3)
        assert [text for text in heard if text != "elsewhere"] == ["good", "behind"]
        [discarded] = (await operator.FindDeliveries(pb.FindDeliveriesRequest(id=dead.message_id))).deliveries
        assert discarded.outcome == "discarded"


async def test_wrong_wishes_about_parked_messages_are_refused(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_listener()
        _, queued = (await operator.ListParked(pb.ListParkedRequest())).parked

        for request in (pb.RetryParkedRequest(), pb.RetryParkedRequest(id=1, group="listener")):
            with pytest.raises(InvalidInput, match="id: give either an id or a group, not both"):
                await operator.RetryParked(request)
        for request in (pb.RetryParkedRequest(id=-1), pb.RetryParkedRequest(id=2**62)):
            with pytest.raises(NotFound, match="no parked message has the id"):
                await operator.RetryParked(request)
        with pytest.raises(NotFound, match="no consumer group has the id 'another'"):
            await operator.RetryParked(pb.RetryParkedRequest(group="another"))
        with pytest.raises(NotFound, match="no parked message has the id '999'"):
            await operator.DiscardParked(pb.DiscardParkedRequest(id=999))
        with pytest.raises(Refused, match="it waits behind another message of its key"):
            await operator.RetryParked(pb.RetryParkedRequest(id=queued.id))


async def test_lag_is_told_for_each_partition(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)

        lags = (await (await scene.ask_listener()).GetLag(pb.GetLagRequest())).lags

        assert len(lags) == 4
        [mine] = [lag for lag in lags if lag.partition == IN_K]
        assert (mine.group, mine.source, mine.channel) == ("listener", "teller", "events")
        assert (mine.last_sequence, mine.applied_sequence, mine.behind_events, mine.behind_seconds) == (3, 3, 0, 0)


async def test_a_replay_applies_everything_again(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        scene.is_willing = True
        operator = await scene.ask_listener()
        await operator.RetryParked(pb.RetryParkedRequest(group="listener"))
        await scene.listener.until(lambda found: len(found) == 4)

        answer = await operator.Replay(
            pb.ReplayRequest(group="listener", source="teller", from_sequence=1, again_with_effects=True)
        )

        assert answer.messages == 4
        heard = await scene.listener.until(lambda found: len(found) == 8)
        assert [text for text in heard[4:] if text != "elsewhere"] == ["good", "bad", "behind"]


async def test_wrong_wishes_about_a_replay_are_refused(world: World) -> None:
    async with AsyncExitStack() as stack:
        operator = await operator_of(await world.listener(), stack)

        with pytest.raises(InvalidInput, match="from_sequence: must be 1, the start, or more"):
            await operator.Replay(pb.ReplayRequest(group="listener"))
        with pytest.raises(NotFound, match="no consumer group has the id 'another'"):
            await operator.Replay(pb.ReplayRequest(group="another", from_sequence=1))
        with pytest.raises(InvalidInput, match="source: listener subscribes to teller only"):
            await operator.Replay(pb.ReplayRequest(group="listener", source="stores", from_sequence=1))


async def test_a_database_alone_answers_the_same(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        running = await scene.ask_listener()
        questions: list[tuple[str, Any]] = [
            ("ReadLog", pb.ReadLogRequest(channel="events")),
            ("FindMessages", pb.FindMessagesRequest(id="k")),
            ("ReadDeliveries", pb.ReadDeliveriesRequest()),
            ("FindDeliveries", pb.FindDeliveriesRequest(id="k")),
            ("FindRequests", pb.FindRequestsRequest(ids=["x"])),
            ("ListParked", pb.ListParkedRequest()),
            ("ListSagas", pb.ListSagasRequest()),
            ("GetTotals", pb.GetTotalsRequest()),
        ]
        told = [await getattr(running, method)(request) for method, request in questions]
        await scene.listener.stop()

        offline = offline_operator(scene.listener.process.settings.database_url, "listener")
        assert [await getattr(offline, method)(request, timeout=5) for method, request in questions] == told
        offline.close()


async def test_a_database_alone_can_change_nothing(world: World) -> None:
    listener = await world.listener()
    await listener.stop()
    offline = offline_operator(listener.process.settings.database_url, "listener")

    status = await offline.GetStatus(pb.GetStatusRequest(), timeout=5)
    assert (status.context, list(status.troubles)) == ("listener", ["this process is not running"])
    assert not (await offline.GetLag(pb.GetLagRequest())).lags
    for change in (
        offline.RetryParked(pb.RetryParkedRequest(id=1)),
        offline.DiscardParked(pb.DiscardParkedRequest(id=1)),
        offline.Replay(pb.ReplayRequest(group="listener", from_sequence=1)),
    ):
        with pytest.raises(Unavailable, match="listener is not running: start it with `mallbots up` first"):
            await change
    offline.close()
