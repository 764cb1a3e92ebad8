"""Idempotency keys: the first call with a key has the effect, every repeat gets its answer."""

import asyncio
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform import schema
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, InvalidInput, NotFound, PlatformError, RuleViolated
from mallbots_platform.ids import new_id
from mallbots_platform.messages import Contract, event
from mallbots_platform.migrations import PLATFORM, bring_up_to_date
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


def incoming(key: str = "key", request: bytes = b"a", method: str = "Counter/Count", caller: str = "") -> Incoming:
    return Incoming(
        id=new_id(),
        key=key,
        caller=caller,
        method=method,
        correlation_id="conversation",
        received_at=1,
        request_hash=hashlib.sha256(request).digest() if key else b"",
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
    others = [incoming("a"), incoming("a", method="Counter/Reset"), incoming("a", caller="Ann"), incoming("b")]
    calls = [*others, incoming(""), incoming("")]

    assert [await call(parts, each) for each in calls] == [1, 2, 3, 4, 5, 6]
    assert [await call(parts, each) for each in others] == [1, 2, 3, 4]
    assert len(await parts.published()) == 6


async def test_a_cause_is_the_call_and_not_its_key(parts: Parts) -> None:
    first, repeat, other = incoming(), incoming(), incoming("")
    for each in (first, repeat, other):
        await call(parts, each)

    assert {message.causationid for message in await parts.published()} == {first.id, other.id}
    assert {id for (id,) in await parts.rows("SELECT id FROM requests")} == {first.id, other.id}


async def test_the_id_of_another_call_is_a_key_like_any(parts: Parts) -> None:
    first, keyed = incoming(""), incoming("a")
    for each in (first, keyed):
        await call(parts, each)

    assert await call(parts, incoming(first.id)) == 3
    assert await call(parts, incoming(keyed.id)) == 4


def before_keys(parts: Parts, key: str, request: bytes, answer: Answer) -> None:
    """What a program of before left of a call, whose key was its id."""
    parts.database.run(
        "INSERT INTO requests (id, method, correlation_id, received_at, duration_us, request_hash, response,"
        " error_type, error_text) VALUES (?, 'Counter/Count', 'conversation', 1, 1, ?, ?, '', '')",
        (key, hashlib.sha256(request).digest(), answer.SerializeToString()),
    )


async def test_a_call_of_before_is_repeated_too(parts: Parts) -> None:
    await parts.change(lambda: before_keys(parts, "key", b"a", Answer(messages=77)))

    assert await call(parts, incoming()) == 77
    with pytest.raises(InvalidInput, match="was used before for a call with other content"):
        await call(parts, incoming(request=b"other"))
    assert await call(parts, incoming(method="Counter/Reset")) == 2
    assert await call(parts, incoming(caller="Ann")) == 3


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


async def test_a_key_serves_one_call_only(parts: Parts) -> None:
    await call(parts, incoming())

    with pytest.raises(InvalidInput, match="was used before for a call with other content") as refusal:
        await call(parts, incoming(request=b"other"))

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
        await call(parts, incoming(""), refuse(TooMany("enough")))

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
    assert await call(parts, incoming("timer-1")) == 2


class Attempt(NamedTuple):
    """A call, by which process it is taken, and whether it is refused."""

    process: int
    caller: str
    method: str
    key: str
    request: bytes
    is_refused: bool

    @property
    def place(self) -> tuple[str, str, str]:
        return self.caller, self.method, self.key


ATTEMPTS = st.builds(
    Attempt,
    process=st.integers(0, 1),
    caller=st.sampled_from(["", "Ann"]),
    method=st.sampled_from(["Counter/Count", "Counter/Reset"]),
    key=st.sampled_from(["", "a", "b"]),
    request=st.sampled_from([b"a", b"b"]),
    is_refused=st.booleans(),
)


async def told(processes: list[Parts], attempt: Attempt) -> str:
    """What its caller hears."""
    parts = processes[attempt.process]
    work = refuse(TooMany("enough")) if attempt.is_refused else count_in(parts)
    try:
        made = incoming(attempt.key, attempt.request, attempt.method, attempt.caller)
        return str(await call(parts, made, work))
    except PlatformError as error:
        return f"{type(error).__name__}: {error}"


async def check_answers(url: str, rounds: list[list[Attempt]]) -> None:
    """The attempts of a round are made at the same time."""
    first: dict[tuple[str, str, str], tuple[set[bytes], set[str]]] = {}
    async with Parts(url, COUNTER) as one, Parts(url, COUNTER) as other:
        before, effects = len(await one.published()), 0
        for attempts in rounds:
            answers = await asyncio.gather(*(told([one, other], each) for each in attempts))
            for attempt, answer in zip(attempts, answers, strict=True):
                if attempt.key and not answer.startswith("InvalidInput"):
                    requests, heard = first.setdefault(attempt.place, (set(), set()))
                    requests.add(attempt.request)
                    heard.add(answer)
                elif not attempt.key:
                    effects += answer.isdigit()
        effects += sum(answer.isdigit() for _, heard in first.values() for answer in heard)

        assert all((len(requests), len(heard)) == (1, 1) for requests, heard in first.values()), first
        assert len(await one.published()) == before + effects


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_calls_at_the_same_time_each_key_has_one_answer(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = (
        f"sqlite:///{tmp_path / 'context.db'}"
        if kind == "sqlite"
        else empty_postgres(request.getfixturevalue("postgres_url"))
    )
    database = Database(url)
    bring_up_to_date(database, PLATFORM, schema.metadata, schema.MIGRATIONS)

    @settings(max_examples=25)
    @given(st.lists(st.lists(ATTEMPTS, min_size=1, max_size=6), min_size=1, max_size=4))
    def search(rounds: list[list[Attempt]]) -> None:
        for table in ("requests", "idempotency_keys"):
            database.run(f"DELETE FROM {table}")
        asyncio.run(check_answers(url, rounds))

    search()
    database.close()
