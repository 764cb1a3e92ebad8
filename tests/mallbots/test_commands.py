"""The command line itself: what it offers, and how it refuses. No process is needed for that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from mallbots.__main__ import app
from mallbots.up import chosen, services
from mallbots_platform.endpoints import Endpoint
from mallbots_platform.schema import VERSION
from telemetry.bundle import own_version
from tests.support.mall import mallbots, mallbots_here

DOCUMENTED = {"demo", "up", "flow", "events tail", "parked list", "parked show", "parked retry", "parked discard"} | {
    "replay",
    "lag",
    "doctor",
    "observe",
}


def found_below(group: Any, path: str = "") -> Iterator[str]:
    """The commands of a group and of the groups in it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from found_below(command, f"{path}{name} ")
        else:
            yield path + name


COMMANDS = sorted(found_below(get_command(app)))


def test_help_names_every_command() -> None:
    told = mallbots_here("--help")

    assert set(COMMANDS) >= DOCUMENTED
    assert told.code == 0
    assert all(f" {command.split()[0]} " in told.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    for option in ("--help", "-h"):
        told = mallbots_here(*command.split(), option)

        assert told.code == 0 and told.stderr == ""
        assert f"mallbots {command}" in told.stdout
        assert "--json" in told.stdout


def test_it_says_which_one_it_is() -> None:
    told = mallbots_here("--version")

    assert (told.code, told.stderr) == (0, "")
    assert told.stdout == f"mallbots {own_version()}, databases of number {VERSION}\n"


@pytest.mark.parametrize("group", [(), ("events",), ("parked",)], ids=lambda group: " ".join(group) or "none")
def test_without_a_command_help_is_shown(group: tuple[str, ...]) -> None:
    told = mallbots_here(*group)

    assert told.code == 2
    assert "Usage: mallbots" in told.stdout and told.stderr == ""


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("danse",), "No such command 'danse'"),
        (("demo", "--dance"), "No such option: --dance"),
        (("demo", "--orders", "many"), "Invalid value for '--orders'"),
        (("demo", "--seed", "1.5"), "Invalid value for '--seed'"),
        (("demo", "--data"), "Option '--data' requires an argument"),
        (("flow",), "Missing argument 'id'"),
        (("flow", "a", "b"), "Got unexpected extra argument"),
        (("parked", "show"), "Missing argument 'name'"),
        (("replay", "baskets"), "Missing option '--from'"),
    ],
)
def test_what_is_not_understood_is_said_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    refused = mallbots_here(*arguments)

    assert refused.code == 2
    assert told in refused.refusal


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("demo", "--orders", "0"), "--orders is 0, must be 1 to 100000"),
        (("demo", "--orders", "100001"), "--orders is 100001, must be 1 to 100000"),
        (("up", "--only", "stores,shops"), "there is no context 'shops': choose from stores, customers"),
        (("flow", "order-1"), "there is no data in"),
        (("events", "tail"), "there is no data in"),
        (("parked", "list"), "there is no data in"),
        (("parked", "list", "--state", "asleep"), "--state is 'asleep', must be one of waiting, queued, newer, dead"),
        (("parked", "show", "ordering"), "'ordering' names no parked message"),
        (("parked", "retry"), "say which: one message"),
        (("parked", "discard", "ordering:0"), "'ordering:0' names no parked message"),
        (("replay", "baskets", "--from", "start"), "there is no data in"),
        (("lag",), "there is no data in"),
        (("sagas",), "there is no data in"),
        (("sagas", "--stuck", "--asleep"), "say one of --stuck and --asleep"),
        (("fault", "list"), "there is no data in"),
        (("fault", "off", "slow-handler"), "there is no data in"),
        (("soak", "--minutes", "0"), "--minutes must be more than 0"),
        (("soak", "--rate", "51"), "--rate more than 0 and at most 50"),
    ],
)
def test_a_refusal_is_a_line_and_a_code(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLBOTS_DATA", str(tmp_path / "nowhere"))

    refused = mallbots_here(*arguments)

    assert refused.code == 1
    assert told in refused.refusal
    assert not (tmp_path / "nowhere").exists()


def test_a_place_that_is_no_directory_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a-file"
    file.touch()

    assert mallbots_here("up", "--data", str(file)).refusal == f"{file}: File exists"


def test_doctor_answers_where_nothing_is(tmp_path: Path) -> None:
    told = mallbots_here("doctor", "--json", "--data", str(tmp_path)).answer

    assert told["healthy"]
    assert [each["state"] for each in told["findings"] if each["about"] == "processes"] == ["warning"]


def test_the_command_runs_as_a_module() -> None:
    assert mallbots("lag", "--data", "/nowhere").refusal.startswith("there is no data in /nowhere")


@pytest.mark.parametrize(
    "given, again",
    [
        (("demo",), "mallbots demo"),
        (("demo", "--seed", "1", "--keep", "--json"), "mallbots demo --seed 1"),
        (("demo", "--chaos", "--orders", "40", "--data", "here"), "mallbots demo --orders 40 --chaos"),
        (("soak", "--rate", "2.5", "--json"), "mallbots soak --rate 2.5"),
    ],
)
def test_a_run_knows_how_it_is_played_again(
    given: tuple[str, ...], again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    async def play(*arguments: Any) -> None:
        told.append(arguments[-1])

    monkeypatch.setattr(f"mallbots.demo.{given[0]}", play)

    assert mallbots_here(*given).code == 0
    assert told == [again]


def test_chaos_is_refused_a_redis_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLBOTS_REDIS_URL", "redis://127.0.0.1:1")

    for command in (("demo", "--chaos"), ("soak",)):
        assert mallbots_here(*command).refusal.startswith("chaos needs a Redis of its own")


@pytest.mark.parametrize(
    "only, contexts",
    [
        ("depot", ("depot",)),
        (" depot , stores,", ("depot", "stores")),
        ("depot,depot", ("depot",)),
        ("", ("stores", "customers", "baskets", "ordering", "payments", "depot")),
    ],
)
def test_some_contexts_or_all_are_chosen(only: str, contexts: tuple[str, ...]) -> None:
    assert chosen(only) == contexts


def test_the_ready_line_says_where_each_listens() -> None:
    told = services({"ordering": Endpoint("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", 4)})

    assert told == {
        "ordering": {"grpc": "127.0.0.1:1", "metrics": "http://127.0.0.1:3/metrics", "operator": "127.0.0.1:2"}
    }
