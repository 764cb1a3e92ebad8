"""What fails is set aside per key: later messages of that key queue behind it, every other key flows on."""

from collections.abc import Callable
from typing import Any

import pytest

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import Conflict, NotFound, RuleViolated
from mallbots_platform.operator_api import SERVICE
from mallbots_platform.parking import RetryPolicy
from mallbots_platform.partitions import partition_of
from tests.support.world import Running, World, eventually


class Moody:
    """Refuses what it does not like, until it is calmed."""

    def __init__(self, error: Callable[[], Exception], dislikes: str = "bad") -> None:
        self.error = error
        self.dislikes = dislikes
        self.refused: list[str] = []

    def __call__(self, text: str) -> None:
        if self.dislikes and text.startswith(self.dislikes):
            self.refused.append(text)
            raise self.error()

    def calm_down(self) -> None:
        self.dislikes = ""


def broken() -> Exception:
    return ValueError("a bug")


async def states(listener: Running) -> list[tuple[Any, ...]]:
    return await listener.rows("SELECT key, state FROM parked ORDER BY id")


async def states_are(listener: Running, *wanted: tuple[str, str]) -> bool:
    return await states(listener) == list(wanted)


async def test_other_keys_flow_past_a_failing_one(world: World) -> None:
    moody = Moody(broken)
    teller, listener = await world.teller(), await world.listener(moody)

    await teller.say("bad", "after bad", key="a")
    await teller.say("fine", key=next(key for key in "bcdefgh" if partition_of(key, 4) == partition_of("a", 4)))

    assert await listener.hears("fine")
    assert await listener.counts(len(["bad", "after bad"]), "mallbots_deliveries_total", outcome="parked")
    moody.calm_down()
    heard = await listener.until(lambda found: len(found) == 3)
    assert heard == ["fine", "bad", "after bad"]
    assert await states(listener) == []


async def test_messages_of_a_key_wait_their_turn(world: World) -> None:
    moody = Moody(broken)
    teller, listener = await world.teller(), await world.listener(moody)

    await teller.say("bad", key="a")
    await eventually(lambda: moody.refused)
    await teller.say(*[str(number) for number in range(20)], key="a")
    moody.calm_down()

    assert await listener.hears("bad", *[str(number) for number in range(20)])


async def test_past_the_cap_it_is_dead_and_visible(world: World) -> None:
    moody = Moody(broken)
    teller, listener = await world.teller(), await world.listener(moody, retry_attempts=3)

    await teller.say("bad", "behind", key="a")

    assert await eventually(lambda: states_are(listener, ("a", "dead"), ("a", "queued")))
    assert moody.refused == ["bad"] * 3
    assert await listener.counts(1, "mallbots_deliveries_total", outcome="dead")
    assert await listener.counts(2, "mallbots_retries_total")


@pytest.mark.parametrize("error", [lambda: RuleViolated("no")], ids=["a refusal of the domain"])
async def test_a_refusal_is_dead_without_retries(world: World, error: Callable[[], Exception]) -> None:
    moody = Moody(error)
    teller, listener = await world.teller(), await world.listener(moody)

    await teller.say("bad")

    assert await eventually(lambda: states_are(listener, ("k", "dead")))
    assert moody.refused == ["bad"]


async def test_what_is_not_there_yet_is_tried_again(world: World) -> None:
    moody = Moody(lambda: NotFound("thing", "1"))
    teller, listener = await world.teller(), await world.listener(moody)

    await teller.say("bad")
    await eventually(lambda: len(moody.refused) >= 2)
    moody.calm_down()

    assert await listener.hears("bad")


async def test_a_conflict_is_tried_again_at_once(world: World) -> None:
    refusals = iter([Conflict("moved"), Conflict("moved")])

    def moved(text: str) -> None:
        if error := next(refusals, None):
            raise error

    teller, listener = await world.teller(), await world.listener(moved)

    await teller.say("one")

    assert await listener.hears("one")
    assert listener.measured("mallbots_deliveries_total", outcome="parked") == 0


async def test_attempts_survive_a_restart(world: World) -> None:
    moody = Moody(broken)
    teller, listener = await world.teller(), await world.listener(moody, retry_attempts=20)
    await teller.say("bad")
    await eventually(lambda: len(moody.refused) >= 5)

    await listener.crash()
    listener = await world.listener(moody, retry_attempts=20)

    assert await eventually(lambda: states_are(listener, ("k", "dead")), seconds=30)
    assert 20 <= len(moody.refused) <= 21


async def test_what_is_parked_is_looked_at_as_soon_as_a_process_starts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    moody = Moody(broken)
    teller, listener = (
        await world.teller(),
        await world.listener(moody, retry_base_seconds=3600, retry_cap_seconds=3600),
    )
    await teller.say("bad")
    await eventually(lambda: states_are(listener, ("k", "waiting")))
    await listener.process.change(lambda: listener.process.database.run("UPDATE parked SET due_at = 1"))
    await listener.crash()

    monkeypatch.setattr("mallbots_platform.retrying.IDLE_SECONDS", 3600)
    moody.calm_down()
    listener = await world.listener(moody)

    assert await listener.hears("bad")


async def test_retries_that_are_due_together_share_commits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.due_again.LONGEST_PIECE_SECONDS", 3600)
    moody, one = Moody(broken), partition_of("a", 4)
    keys = [key for key in map(str, range(400)) if partition_of(key, 4) == one][:50]
    teller, listener = (
        await world.teller(),
        await world.listener(moody, retry_base_seconds=3600, retry_cap_seconds=3600),
    )
    for key in keys:
        await teller.say("bad", key=key)
    await eventually(lambda: states_are(listener, *[(key, "waiting") for key in keys]), seconds=30)
    moody.calm_down()

    before = listener.measured("mallbots_commit_seconds_count")
    await listener.process.change(lambda: listener.process.database.run("UPDATE parked SET due_at = 1"))
    listener.process.subscriptions["listener"].retry_soon()

    assert await listener.until(lambda heard: len(heard) == len(keys))
    assert listener.measured("mallbots_commit_seconds_count") - before < len(keys) / 2


async def operator(running: Running, method: str, request: object) -> object:
    client = await running.process.peers.operator(running.process.context)
    return await getattr(client, method)(request)


async def test_an_operator_retries_what_is_dead(world: World) -> None:
    moody = Moody(broken)
    teller, listener = await world.teller(), await world.listener(moody, retry_attempts=1)
    await teller.say("bad", "behind")
    await eventually(lambda: states_are(listener, ("k", "dead"), ("k", "queued")))

    moody.calm_down()
    answer = await operator(listener, "RetryParked", pb.RetryParkedRequest(group="listener"))

    assert answer == pb.RetryParkedResponse(retried=1)
    assert await listener.hears("bad", "behind")
    assert await states(listener) == []


async def test_an_operator_discards_what_is_dead(world: World) -> None:
    teller, listener = await world.teller(), await world.listener(Moody(broken), retry_attempts=1)
    await teller.say("bad", "behind")
    await eventually(lambda: states_are(listener, ("k", "dead"), ("k", "queued")))

    await operator(listener, "DiscardParked", pb.DiscardParkedRequest(id=1))

    assert await listener.hears("behind")
    outcomes = await listener.rows("SELECT seq, outcome FROM deliveries ORDER BY seq")
    assert outcomes == [(1, "discarded"), (2, "applied")]


async def test_a_failing_handler_leaves_nothing_behind(world: World) -> None:
    def writes_and_fails(text: str) -> None:
        listener.process.database.run("INSERT INTO heard (text) VALUES ('half done')")
        raise ValueError("after half of the work")

    teller, listener = await world.teller(), await world.listener(writes_and_fails, retry_attempts=2)

    await teller.say("bad")

    assert await eventually(lambda: states_are(listener, ("k", "dead")))
    assert await listener.heard() == []


def test_pauses_grow_up_to_a_cap() -> None:
    policy = RetryPolicy(attempts=10, base_seconds=0.1, cap_seconds=1.0)

    longest = [max(policy.pause_us(attempts) for _ in range(300)) / 1e6 for attempts in (1, 2, 3, 20)]

    assert 0.15 < longest[0] <= 0.2
    assert 0.3 < longest[1] <= 0.4
    assert 0.6 < longest[2] <= 0.8
    assert 0.8 < longest[3] <= 1.0


def test_the_operator_service_is_described() -> None:
    assert {"RetryParked", "DiscardParked", "ListParked"} <= {method.name for method in SERVICE.methods}
