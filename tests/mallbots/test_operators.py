from pathlib import Path

import pytest

from mallbots.operators import PAGE, open_operators
from mallbots.quiet import until_quiet
from mallbots.reporting import Failed
from mallbots.totals import totals
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.errors import RuleViolated
from tests.support.world import World

MANY = 2 * PAGE + 50


async def test_a_log_longer_than_a_page_is_read_to_its_end(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    texts = [str(number) for number in range(MANY)]
    await teller.say(*texts)
    assert await listener.hears(*texts, seconds=60)

    async with open_operators(world.directory) as operators:
        log = await operators.whole_log("teller")
        deliveries = await operators.all_deliveries("listener")

    assert [entry.sequence for entry in log] == list(range(1, MANY + 1))
    assert [each.message_id for each in deliveries] == [entry.message_id for entry in log]
    assert {each.outcome for each in deliveries} == {"applied"}


async def test_a_database_answers_as_its_process_did(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", key="a")
    await teller.say("two", key="b")
    await listener.until(lambda heard: len(heard) == 2)

    async with open_operators(world.directory) as operators:
        said = await operators.whole_log("teller")
        done = await operators.all_deliveries("listener")
        found = await operators.messages("a")
    await teller.stop()
    await listener.stop()
    for path in (world.directory / "run").iterdir():
        path.unlink()
    async with open_operators(world.directory) as operators:
        assert ids(await operators.whole_log("teller")) == ids(said)
        assert await operators.all_deliveries("listener") == done
        assert ids(await operators.messages("a")) == ids(found)
        counted = await totals(operators)

    assert (len(said), len(done), len(found)) == (2, 2, 1)
    assert operators.running == frozenset() and operators.contexts == ["listener", "teller"]
    assert (counted.published, counted.applied, counted.parked, counted.dead) == (2, 2, 0, 0)


async def test_a_context_that_is_not_there_is_named(world: World) -> None:
    await world.teller()

    async with open_operators(world.directory) as operators:
        with pytest.raises(Failed, match="there is no context 'depot' here: choose from teller"):
            operators.of("depot")


async def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="start `mallbots up`, or say where with --data"):
        async with open_operators(tmp_path / "nowhere"):
            pass


async def test_processes_may_be_found_by_an_address_instead_of_a_directory(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = await world.teller()
    monkeypatch.setattr("mallbots.operators.CONTEXTS", ("teller",))
    port = teller.process.endpoint.operator.rpartition(":")[2]
    monkeypatch.setenv("MALLBOTS_PEER_OPERATOR", f"127.0.0.1:{port}")

    async with open_operators(tmp_path / "nowhere") as operators:
        answers = await operators.ask("GetStatus", pb.GetStatusRequest())

    assert {context: answer.context for context, answer in answers.items()} == {"teller": "teller"}


async def test_a_run_is_quiet_when_all_is_applied(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")

    async with open_operators(world.directory) as operators:
        assert await until_quiet(operators, seconds=60) == ""

    assert await listener.heard() == ["one", "two"]


async def test_what_waits_for_another_attempt_is_not_quiet(world: World) -> None:
    def refuse(text: str) -> None:
        raise OSError("not now")

    teller = await world.teller()
    await world.listener(refuse, retry_base_seconds=1000.0, retry_cap_seconds=1000.0)
    await teller.say("one")

    async with open_operators(world.directory) as operators:
        left_over = await until_quiet(operators, seconds=3)

    assert left_over in ("1 message to be tried again", "1 message to be handled")


async def test_what_is_dead_is_quiet(world: World) -> None:
    def refuse(text: str) -> None:
        raise RuleViolated("never")

    teller = await world.teller()
    await world.listener(refuse)
    await teller.say("one")

    async with open_operators(world.directory) as operators:
        assert await until_quiet(operators, seconds=60) == ""
        assert (await totals(operators)).dead == 1


def ids(entries: list[pb.LogEntry]) -> list[str]:
    return sorted(entry.message_id for entry in entries)
