"""What an operator may ask: the log, deliveries, what is parked, sagas, totals."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.errors import InvalidInput
from mallbots_platform.grpc_client import Client
from mallbots_platform.operator_api import offline_operator
from mallbots_platform.partitions import partition_of
from tests.support.listening import listening, operator_of
from tests.support.travel import Agency
from tests.support.world import World, eventually

IN_K = partition_of("k", 4)


async def test_the_log_is_read_page_by_page(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_teller()
        await eventually(lambda: is_published(operator))

        first = await operator.ReadLog(pb.ReadLogRequest(channel="events", partition=IN_K, limit=2))
        rest = await operator.ReadLog(pb.ReadLogRequest(channel="events", partition=IN_K, after_sequence=2))

        assert [entry.sequence for entry in (*first.entries, *rest.entries)] == [1, 2, 3]
        assert (first.last_sequence, list(first.channels)) == (3, ["events"])
        entry, envelope = first.entries[0], decode_envelope(first.entries[0].envelope)
        assert (entry.source, entry.type, entry.subject) == ("teller", "teller.Said", "k")
        assert (envelope.id, envelope.sequence) == (entry.message_id, 1)
        assert entry.published_at >= entry.committed_at > 0
        nothing = await operator.ReadLog(pb.ReadLogRequest(channel="nowhere", partition=9))
        assert (list(nothing.entries), nothing.last_sequence) == ([], 0)


async def is_published(operator: Client) -> bool:
    log = await operator.ReadLog(pb.ReadLogRequest(channel="events", partition=IN_K))
    return all(entry.published_at for entry in log.entries)


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("ReadLog", pb.ReadLogRequest),
        ("ReadDeliveries", pb.ReadDeliveriesRequest),
        ("ListParked", pb.ListParkedRequest),
        ("ListSagas", pb.ListSagasRequest),
    ],
)
async def test_a_page_has_bounds(world: World, method: str, request_type: Any) -> None:
    async with AsyncExitStack() as stack:
        ask = getattr(await operator_of(await world.teller(), stack), method)

        assert await ask(request_type(limit=1000)) is not None
        for limit in (-1, 1001):
            with pytest.raises(InvalidInput, match=f"limit: is {limit}, must be between 0 and 1000"):
                await ask(request_type(limit=limit))


async def test_messages_are_found_by_any_of_their_ids(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_teller()
        log = await operator.ReadLog(pb.ReadLogRequest(channel="events", partition=IN_K))
        entry = log.entries[0]

        by_message = await operator.FindMessages(pb.FindMessagesRequest(id=entry.message_id))
        by_key = await operator.FindMessages(pb.FindMessagesRequest(id="k"))
        by_trace = await operator.FindMessages(pb.FindMessagesRequest(id=entry.trace_id))

        assert [found.sequence for found in by_message.entries] == [1]
        assert sorted(found.sequence for found in by_key.entries) == [1, 2, 3]
        assert entry.message_id in {found.message_id for found in by_trace.entries}
        assert not (await operator.FindMessages(pb.FindMessagesRequest(id="unknown"))).entries


async def test_deliveries_are_read_and_found(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_listener()

        page = await operator.ReadDeliveries(pb.ReadDeliveriesRequest(limit=3))
        rest = await operator.ReadDeliveries(pb.ReadDeliveriesRequest(after_position=page.deliveries[-1].position))
        found = await operator.FindDeliveries(pb.FindDeliveriesRequest(id="k"))
        by_message = await operator.FindDeliveries(pb.FindDeliveriesRequest(id=page.deliveries[0].message_id))

        assert len(page.deliveries) == 3 and len(rest.deliveries) == 1
        assert [(d.sequence, d.outcome) for d in found.deliveries] == [(1, "applied"), (2, "dead"), (3, "parked")]
        assert found.deliveries[1].error == "bad is not heard here"
        assert found.deliveries[0].critical_us >= found.deliveries[0].handler_us >= 0
        assert [d.message_id for d in by_message.deliveries] == [page.deliveries[0].message_id]


@pytest.mark.parametrize("id", ["", " ", "a\x00b", "x" * 501])
async def test_an_id_that_can_be_none_is_refused(world: World, id: str) -> None:
    async with AsyncExitStack() as stack:
        operator = await operator_of(await world.teller(), stack)

        for asked in (
            operator.FindMessages(pb.FindMessagesRequest(id=id)),
            operator.FindDeliveries(pb.FindDeliveriesRequest(id=id)),
        ):
            with pytest.raises(InvalidInput) as refusal:
                await asked
            assert refusal.value.field == "id"


async def test_calls_are_found_by_their_ids(world: World) -> None:
    async with AsyncExitStack() as stack:
        teller = await world.teller()
        await teller.process.change(lambda: teller.process.requests.note("call-1", "Teller/Say", "conversation", 7))

        found = await (await operator_of(teller, stack)).FindRequests(pb.FindRequestsRequest(ids=["x", "call-1"]))

        [request] = found.requests
        assert (request.id, request.method, request.context) == ("call-1", "Teller/Say", "teller")
        assert (request.correlation_id, request.received_at) == ("conversation", 7)


async def test_what_is_parked_is_listed(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)
        operator = await scene.ask_listener()

        dead, queued = (await operator.ListParked(pb.ListParkedRequest())).parked
        by_state = await operator.ListParked(pb.ListParkedRequest(group="listener", state="queued"))
        after = await operator.ListParked(pb.ListParkedRequest(after_id=dead.id, limit=1))
        others = await operator.ListParked(pb.ListParkedRequest(group="another"))

        assert (dead.state, dead.attempts, dead.subject, dead.sequence) == ("dead", 1, "k", 2)
        assert (dead.error, dead.type, dead.source) == ("bad is not heard here", "teller.Said", "teller")
        assert decode_envelope(dead.envelope).id == dead.message_id
        assert (queued.state, queued.sequence) == ("queued", 3)
        assert [parked.id for parked in by_state.parked] == [parked.id for parked in after.parked] == [queued.id]
        assert not others.parked


async def test_totals_count_what_the_database_holds(world: World) -> None:
    async with AsyncExitStack() as stack:
        scene = await listening(world, stack)

        heard = await (await scene.ask_listener()).GetTotals(pb.GetTotalsRequest())
        said = await (await scene.ask_teller()).GetTotals(pb.GetTotalsRequest())

        assert (heard.applied, heard.dead, heard.parked, heard.duplicates) == (2, 1, 1, 0)
        assert said.committed == 4


async def test_sagas_are_listed_with_their_history(database_url: str) -> None:
    async with Agency(database_url) as agency:
        await agency.request("1")
        await agency.accept((await agency.commands("1"))[0], seat="7a")
        await agency.refuse("no room", (await agency.commands("1"))[1])
        await agency.request("2")
        operator = offline_operator(database_url, "travel")

        everything = await operator.ListSagas(pb.ListSagasRequest())
        [one] = (await operator.ListSagas(pb.ListSagasRequest(id="1"))).sagas
        [same] = (await operator.ListSagas(pb.ListSagasRequest(id="trip:1"))).sagas
        running = await operator.ListSagas(pb.ListSagasRequest(state="running"))
        totals = await operator.GetTotals(pb.GetTotalsRequest())
        operator.close()

    assert [(saga.id, saga.state, saga.step) for saga in everything.sagas] == [
        ("trip:2", "running", "reserve seat"),
        ("trip:1", "compensating", "reserve seat"),
    ]
    assert one == same
    assert [saga.id for saga in running.sagas] == ["trip:2"]
    assert [entry.event for entry in one.history] == [
        *("Began", "StepSent", "StepDone", "StepSent", "StepRefused", "UndoSent"),
    ]
    assert one.history[2].step == "0" and "seat" in one.history[2].detail
    assert "no room" in one.history[4].detail
    assert (totals.committed, totals.published) == (6, 0)


async def test_sagas_in_trouble_are_found(database_url: str) -> None:
    async with Agency(database_url) as agency:
        await agency.request("1")
        await agency.accept((await agency.commands("1"))[0])
        await agency.refuse("no room", (await agency.commands("1"))[1])
        await agency.refuse("the train has left", (await agency.commands("1"))[2])
        await agency.request("2")
        await agency.request("3")
        await agency.parts.change(lambda: agency.parts.database.run("DELETE FROM timers WHERE key = 'trip:2'"))
        operator = offline_operator(database_url, "travel")

        [stuck] = (await operator.ListSagas(pb.ListSagasRequest(trouble="stuck"))).sagas
        [asleep] = (await operator.ListSagas(pb.ListSagasRequest(trouble="asleep"))).sagas
        with pytest.raises(InvalidInput, match="trouble"):
            await operator.ListSagas(pb.ListSagasRequest(trouble="tired"))
        operator.close()

    assert (stuck.id, stuck.refusal) == ("trip:1", "the train has left")
    assert (asleep.id, asleep.awaiting) == ("trip:2", "trip:2:do:reserve-seat:1")
