"""The log of another context, read over its operator service."""

from contextlib import AsyncExitStack

import msgspec
import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.envelope import decode_envelope
from mallbots_platform.errors import Unavailable
from mallbots_platform.grpc_client import Client, client_for, open_channel
from mallbots_platform.operator_api import SERVICE
from mallbots_platform.partitions import StreamName, partition_of
from mallbots_platform.source_log import OperatorSourceLog
from tests.support.world import Running, World

IN_K = partition_of("k", 4)


async def operator_of(running: Running, stack: AsyncExitStack) -> Client:
    channel = await stack.enter_async_context(open_channel(running.process.endpoint.operator))
    return client_for(channel, SERVICE)


async def test_it_goes_on_after_a_number(world: World) -> None:
    async with AsyncExitStack() as stack:
        teller = await world.teller()
        operator = await operator_of(teller, stack)
        await teller.say("one", "two", "three")

        async def ask(context: str) -> Client:
            return operator

        page = await OperatorSourceLog(ask).read(StreamName("teller", "events", IN_K), 1, 500)
        first, second = (decode_envelope(each.raw) for each in page.messages)

        assert ([each.seq for each in page.messages], page.epochs.head) == ([2, 3], 3)
        assert all(each.received_at and not each.published_at for each in page.messages)
        assert (first.sequence, first.epoch, page.epochs.at(2)) == (2, second.epoch, second.epoch)


async def test_large_messages_come_in_several_answers(world: World) -> None:
    """So many at once would not fit into one answer, and healing would stop at them."""
    async with AsyncExitStack() as stack:
        teller = await world.teller()
        operator = await operator_of(teller, stack)
        texts = [f"{number} " + "x" * 900_000 for number in range(9)]
        for text in texts:
            await teller.say(text)

        first = await operator.ReadLog(pb.ReadLogRequest(channel="events", partition=IN_K, limit=1000))
        assert 1 <= len(first.entries) < len(texts)
        assert len((await operator.FindMessages(pb.FindMessagesRequest(id="k"))).entries) == len(first.entries)

        async def ask(context: str) -> Client:
            return operator

        log, after, read = OperatorSourceLog(ask), 0, list[str]()
        while after < len(texts):
            page = await log.read(StreamName("teller", "events", IN_K), after, 500)
            read += [msgspec.json.decode(decode_envelope(each.raw).data)["text"] for each in page.messages]
            after = page.messages[-1].seq
            assert page.epochs.head == len(texts)
        assert read == texts


async def test_a_source_that_does_not_answer_is_unavailable(world: World) -> None:
    async with AsyncExitStack() as stack:
        teller = await world.teller()
        operator = await operator_of(teller, stack)
        await teller.stop()

        async def ask(context: str) -> Client:
            return operator

        with pytest.raises(Unavailable, match="teller does not tell its log"):
            await OperatorSourceLog(ask).read(StreamName("teller", "events", 0), 0, 10)
