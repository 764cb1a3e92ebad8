"""More is asked than can be done: what nobody waits for is not begun, and who would wait in vain is told at once."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mallbots_platform import admission, grpc_client, grpc_server, inbox
from mallbots_platform import writer as writers
from mallbots_platform.errors import Overloaded, Unavailable
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from tests.support.databases import open_writer
from tests.support.echo import Echo, Note, call, refuse_with, trailer
from tests.support.parts import measured
from tests.support.world import World, eventually

Code = grpc.StatusCode
EVER = 600.0


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(f"sqlite:///{tmp_path / 'echo.db'}")


class Gate:
    """Work that has begun waits at it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self, note: Any = None) -> None:
        self.reached.set()
        self.opened.wait(EVER)


@asynccontextmanager
async def busy(writer: Writer) -> AsyncIterator[None]:
    """The writer is at one thing, until the end."""
    gate = Gate()
    blocking = asyncio.ensure_future(writer.run(gate.wait))
    await asyncio.to_thread(gate.reached.wait)
    try:
        yield
    finally:
        gate.opened.set()
        await blocking


def abandoned(writer: Writer, meter: Meter) -> float:
    return measured(meter, "mallbots_changes_abandoned_total")


# What nobody waits for


async def test_what_nobody_waits_for_is_not_begun(database_url: str) -> None:
    begun: list[int] = []
    async with open_writer(database_url) as writer:
        async with busy(writer):
            pieces = [asyncio.ensure_future(writer.run(lambda n=n: begun.append(n))) for n in range(6)]  # type: ignore[misc] # a default binds n
            await asyncio.sleep(0)
            for piece in pieces[1::2]:
                piece.cancel()
            await asyncio.wait(pieces[1::2])
        await asyncio.gather(*pieces[::2])

    assert sorted(begun) == [0, 2, 4]


async def test_what_is_past_its_deadline_is_not_begun(database_url: str) -> None:
    begun: list[str] = []
    async with open_writer(database_url) as writer:
        async with busy(writer):
            late = asyncio.ensure_future(writer.run(lambda: begun.append("late"), until=time.monotonic()))
            early = asyncio.ensure_future(writer.run(lambda: begun.append("early"), until=time.monotonic() + EVER))
            await asyncio.sleep(0)

        await early
        with pytest.raises(TimeoutError):
            await late

    assert begun == ["early"]


async def test_a_deadline_goes_with_a_call_to_the_writer(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PART_OF_PATIENCE", EVER)
    async with busy(echo.parts.writer):
        refused = await call(echo, "Change", timeout=0.1)
        assert refused.code() is Code.DEADLINE_EXCEEDED

    assert (await call(echo, "Change")).number == 2
    assert echo.api.begun == 1
    assert echo.parts.measured("mallbots_changes_abandoned_total") == 1


async def test_calls_that_time_out_leave_the_time_to_others(database_url: str) -> None:
    """As in the case that showed it: more than twice of what can be done, each with little patience."""
    answered, executed = 0, 0

    def work() -> None:
        nonlocal executed
        executed += 1
        time.sleep(0.004)

    async def ask(writer: Writer) -> None:
        nonlocal answered
        with suppress(TimeoutError):
            async with asyncio.timeout(0.25):
                await writer.run(work)
                answered += 1

    async with open_writer(database_url) as writer:
        asked = []
        for _ in range(400):
            asked.append(asyncio.ensure_future(ask(writer)))
            await asyncio.sleep(1 / 600)
        await asyncio.gather(*asked)
        left = executed
        await writer.run(lambda: None)

        assert executed <= left + writers.LARGEST_GROUP // 8
        assert writer._queue.qsize() == 0
    assert executed < 400
    assert answered > executed / 3


# A bound in time


async def test_a_group_is_bounded_in_time(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "GROUP_SECONDS", -1.0)
    commits: list[int] = []
    async with open_writer(database_url) as writer:
        writer.before_commit(lambda: commits.append(1))
        async with busy(writer):
            pieces = [asyncio.ensure_future(writer.run(lambda n=n: n)) for n in range(10)]  # type: ignore[misc] # a default binds n
            await asyncio.sleep(0)

        assert await asyncio.gather(*pieces) == list(range(10))
    assert len(commits) == 11


async def test_a_batch_is_bounded_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "BATCH_SECONDS", -1.0)
    teller = await world.teller()
    words = [str(number) for number in range(30)]
    await teller.say(*words)
    await eventually(lambda: teller.process.relay.behind == 0)

    listener = await world.listener()

    assert await listener.hears(*words)
    assert listener.measured("mallbots_commit_batch_size_sum") >= 30


async def test_who_would_wait_in_vain_is_refused_at_once(echo: Echo) -> None:
    async with busy(echo.parts.writer):
        await eventually(lambda: echo.parts.writer.expected_seconds > 0.3)
        refused = await call(echo, "Change", timeout=0.5)

        assert refused.code() is Code.RESOURCE_EXHAUSTED
        assert trailer(refused, "error-code") == "Overloaded"
        assert hint_of(refused) >= 0.3
        assert (await call(echo, "Look")).number == 2

    assert echo.calls("Change", "RESOURCE_EXHAUSTED") == 1
    assert echo.parts.measured("mallbots_calls_refused_total", queue="writer") == 1
    assert echo.parts.spans.named("mallbots.tests.v1.EchoService/Change") == []
    assert (await call(echo, "Change")).number == 2
    assert echo.api.begun == 2


async def test_reads_have_a_bound_of_their_own(echo: Echo) -> None:
    gate = Gate()
    echo.api.before = gate.wait
    reading = [asyncio.ensure_future(call(echo, "Look", timeout=EVER)) for _ in range(2)]
    await eventually(lambda: echo.api.begun == 2)
    await eventually(lambda: echo.parts.readers.expected_seconds > 0.3)

    refused = await call(echo, "Look", timeout=0.5)
    gate.opened.set()

    assert refused.code() is Code.RESOURCE_EXHAUSTED
    assert [(await each).number for each in reading] == [2, 2]
    assert echo.parts.measured("mallbots_calls_refused_total", queue="readers") == 1


async def test_a_refusal_is_no_answer_to_keep(echo: Echo) -> None:
    key = (("idempotency-key", "once"),)
    async with busy(echo.parts.writer):
        await eventually(lambda: echo.parts.writer.expected_seconds > 0.3)
        assert (await call(echo, "Change", timeout=0.5, metadata=key)).code() is Code.RESOURCE_EXHAUSTED

    assert (await call(echo, "Change", metadata=key)).number == 2
    assert echo.api.begun == 1


async def test_nobody_is_refused_where_nothing_waits(echo: Echo) -> None:
    for _ in range(20):
        assert (await call(echo, "Change")).number == 2

    assert echo.parts.writer.expected_seconds == 0
    assert echo.parts.readers.expected_seconds == 0


def hint_of(refused: Any) -> float:
    [detail] = rpc_status.from_call(refused).details
    hint = error_details_pb2.RetryInfo()
    assert detail.Unpack(hint)
    return float(hint.retry_delay.ToMilliseconds()) / 1000


# Coming again


def refuse_at_first(times: int) -> Callable[[Any], None]:
    left = [Overloaded(0.01)] * times

    def before(note: Any) -> None:
        if left:
            raise left.pop()

    return before


async def test_our_clients_come_again_when_they_are_told_to(echo: Echo) -> None:
    echo.api.before = refuse_at_first(2)

    assert (await echo.client.Change(Note(number=1), timeout=EVER)).number == 2

    assert echo.api.begun == 3


async def test_our_clients_do_not_come_for_ever(echo: Echo) -> None:
    echo.api.before = refuse_at_first(10)

    with pytest.raises(Overloaded) as refused:
        await echo.client.Change(Note(number=1), timeout=EVER)

    assert refused.value.again_after == 0.02
    assert echo.api.begun == 3


async def test_who_has_no_time_to_come_again_is_told_so(echo: Echo) -> None:
    echo.api.before = refuse_with(Overloaded(30.0))

    with pytest.raises(Overloaded):
        await echo.client.Change(Note(number=1), timeout=20)

    assert echo.api.begun == 1


async def test_what_grpc_refuses_by_itself_is_asked_again_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.grpc_server.MOST_CALLS_AT_ONCE", 1)
    monkeypatch.setattr(grpc_client, "GRPC_PAUSE", 0.01)
    async with Echo(f"sqlite:///{tmp_path / 'echo.db'}") as echo:
        waiting = asyncio.ensure_future(call(echo, "Wait"))
        await eventually(lambda: echo.api.begun)
        with pytest.raises(Unavailable) as refused:
            await echo.client.Look(Note())

        echo.api.finish.set()
        await waiting
    assert isinstance(refused.value, Overloaded)


# Catching up


async def test_what_catches_up_comes_behind_what_is_waited_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "GROUP_SECONDS", -1.0)
    order: list[str] = []
    async with open_writer(database_url) as writer:
        async with busy(writer):
            catching_up = [
                asyncio.ensure_future(writer.run(lambda: order.append("old"), catches_up=True)) for _ in range(3)
            ]
            await asyncio.sleep(0)
            clicks = [asyncio.ensure_future(writer.run(lambda: order.append("click"))) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*catching_up, *clicks)

    assert order.index("click") < order.index("old")
    assert sorted(order) == ["click"] * 3 + ["old"] * 3


async def test_late_comers_and_replays_catch_up_and_live_events_do_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = await world.teller()
    await teller.say(*(str(number) for number in range(300)))
    await eventually(lambda: teller.process.relay.behind == 0)
    listener = await world.listener()
    writer, [subscription] = listener.process.writer, listener.process.subscriptions.values()
    catching_up: list[int] = []
    put = writer._queue.put

    def noted(piece: Any) -> None:
        catching_up.append(piece.catches_up)
        put(piece)

    monkeypatch.setattr(writer._queue, "put", noted)

    await listener.until(lambda heard: len(heard) == 300)
    await eventually(lambda: not subscription._behind)
    catching_up.clear()
    await subscription.replay("", 1, with_effects=True)
    await listener.until(lambda heard: len(heard) == 600)
    assert any(catching_up)

    await eventually(lambda: not subscription._healing.waiting and not subscription._behind)
    catching_up.clear()
    await teller.say("live")
    await listener.until(lambda heard: len(heard) == 601)
    assert not any(catching_up)


# Where even refusing takes too long


async def test_far_too_many_at_once_are_cancelled_by_grpc_itself(echo: Echo) -> None:
    many = await asyncio.gather(*(call(echo, "Look") for _ in range(3 * grpc_server.MOST_PENDING)))

    answered = [each for each in many if not isinstance(each, grpc.aio.AioRpcError)]
    assert len(answered) >= grpc_server.MOST_PENDING // 4
    assert {each.code() for each in many if each not in answered} <= {Code.CANCELLED, Code.RESOURCE_EXHAUSTED}
    assert echo.api.begun == len(answered)
    assert (await echo.client.Look(Note(number=1))).number == 2
