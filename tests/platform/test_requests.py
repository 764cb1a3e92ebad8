"""Idempotency keys: the first call with a key has the effect, every repeat gets its answer."""

import asyncio
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mallbots_platform.errors import AlreadyExists, InvalidInput, NotFound, PlatformError, RuleViolated
from mallbots_platform.messages import Contract, event
from mallbots_platform.operator_pb2 import ReplayResponse as Answer
from mallbots_platform.requests import Incoming
from telemetry.tracing import TraceContext
from tests.support.parts import KINDS, Parts, empty_database, empty_postgres


@event
class Counted:
    number: int


class TooMany(RuleViolated):
    pass


COUNTER = Contract(context="counter", events=(Counted,))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def parts(database_url: str) -> Parts:
    return Parts(database_url, COUNTER)


def incoming(key: str = "key", request: bytes = b"a", method: str = "Counter/Count", is_keyed: bool = True) -> Incoming:
    return Incoming(
        id=key,
        is_keyed=is_keyed,
        method=method,
        correlation_id="conversation",
        received_at=1,
        request_hash=hashlib.sha256(request).digest(),
    )


def count_in(parts: Parts) -> Callable[[], Answer]:
    """Publishes an event, and answers how many calls had an effect so far."""

    def work() -> Answer:
        [(before,)] = parts.database.run("SELECT COUNT(*) FROM requests WHERE error_type = ''")
        parts.outbox.record(Counted(number=before + 1), key="k")
        return Answer(messages=before + 1)

    return work


def refuse(error: Exception) -> Callable[[], Answer]:
    def work() -> Answer:
        raise error

    return work


async def call(parts: Parts, call: Incoming, work: Callable[[], Answer] | None = None) -> int:
    answer = await parts.calls.write(call, work or count_in(parts), Answer, TraceContext(""))
    assert isinstance(answer, Answer)
    return int(answer.messages)


async def test_a_repeat_gets_the_first_answer(parts: Parts) -> None:
    answers = [await call(parts, incoming()) for _ in range(3)]

    assert answers == [1, 1, 1]
    assert len(await parts.published()) == 1
    assert parts.measured("mallbots_idempotent_replays_total") == 2


async def test_other_keys_and_calls_without_one_take_effect(parts: Parts) -> None:
    calls = [incoming("a"), incoming("b"), incoming("c", is_keyed=False), incoming("d", is_keyed=False)]

    assert [await call(parts, each) for each in calls] == [1, 2, 3, 4]
    assert len(await parts.published()) == 4


async def test_a_repeat_after_a_restart_gets_the_first_answer(parts: Parts) -> None:
    assert await call(parts, incoming()) == 1

    async with Parts(parts.url, COUNTER) as restarted:
        assert await call(restarted, incoming()) == 1

    assert len(await parts.published()) == 1


async def test_a_call_that_was_cut_short_is_carried_out_anew(parts: Parts) -> None:
    def fail_after_counting() -> Answer:
        count_in(parts)()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await call(parts, incoming(), fail_after_counting)

    assert await call(parts, incoming()) == 1
    assert len(await parts.published()) == 1


@pytest.mark.parametrize("other", [incoming(request=b"other"), incoming(method="Counter/Reset")])
async def test_a_key_serves_one_call_only(parts: Parts, other: Incoming) -> None:
    await call(parts, incoming())

    with pytest.raises(InvalidInput, match="was used before for a call with other content") as refusal:
        await call(parts, other)

    assert refusal.value.field == "idempotency-key"
    assert len(await parts.published()) == 1


@pytest.mark.parametrize("refusal", [TooMany("enough is enough, ü"), AlreadyExists("count", "1")])
async def test_a_refusal_is_repeated_in_the_same_words(parts: Parts, refusal: PlatformError) -> None:
    for work in (refuse(refusal), None, None):
        with pytest.raises(PlatformError) as repeated:
            await call(parts, incoming(), work)

        assert type(repeated.value).__name__ == type(refusal).__name__
        assert isinstance(repeated.value, AlreadyExists if isinstance(refusal, AlreadyExists) else RuleViolated)
        assert str(repeated.value) == str(refusal)
    assert await parts.published() == []
    assert parts.measured("mallbots_idempotent_replays_total") == 2


async def test_a_refusal_without_a_key_leaves_no_trace(parts: Parts) -> None:
    with pytest.raises(TooMany):
        await call(parts, incoming(is_keyed=False), refuse(TooMany("enough")))

    assert await parts.rows("SELECT id FROM requests") == []


@pytest.mark.parametrize("error", [NotFound("count", "1"), InvalidInput("count", "is odd"), ZeroDivisionError()])
async def test_what_may_turn_out_well_later_is_not_remembered(parts: Parts, error: Exception) -> None:
    with pytest.raises(type(error)):
        await call(parts, incoming(), refuse(error))

    assert await call(parts, incoming()) == 1


async def test_a_refusal_gives_way_to_an_earlier_answer(parts: Parts) -> None:
    await call(parts, incoming())

    earlier = await parts.change(lambda: parts.requests.refused(incoming(), TooMany("enough"), Answer))

    assert earlier == Answer(messages=1)


async def test_two_processes_carry_a_call_out_once(postgres_url: str) -> None:
    url = empty_postgres(postgres_url)
    async with Parts(url, COUNTER) as one, Parts(url, COUNTER) as other:
        nobody_knows_the_key = threading.Barrier(2, timeout=20)

        def together(parts: Parts) -> Callable[[], Answer]:
            def work() -> Answer:
                nobody_knows_the_key.wait()
                return count_in(parts)()

            return work

        answers = await asyncio.gather(*(call(each, incoming(), together(each)) for each in (one, other)))

        assert answers == [1, 1]
        assert len(await one.published()) == 1


async def test_two_processes_give_the_same_answer(postgres_url: str) -> None:
    url = empty_postgres(postgres_url)
    async with Parts(url, COUNTER) as slow, Parts(url, COUNTER) as quick:
        begun, answered = threading.Event(), threading.Event()

        def refuse_late() -> Answer:
            begun.set()
            answered.wait(20)
            raise TooMany("enough")

        refused = asyncio.create_task(call(slow, incoming(), refuse_late))
        await asyncio.to_thread(begun.wait, 20)
        answer = await call(quick, incoming())
        answered.set()

        assert (answer, await refused) == (1, 1)


async def test_other_causes_are_remembered_too(parts: Parts) -> None:
    await parts.change(lambda: parts.requests.note("timer-1", "timer Wake", "conversation", 1))

    assert await parts.rows("SELECT id, method, correlation_id FROM requests") == [
        ("timer-1", "timer Wake", "conversation")
    ]
    with pytest.raises(InvalidInput):
        await call(parts, incoming("timer-1"))
