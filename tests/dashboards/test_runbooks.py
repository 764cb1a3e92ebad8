import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.queries import Asked, problems
from dashboards.vocabulary import series
from mallbots.__main__ import app
from tests.compose.composition import services

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PARTS = ("## Look", "## Do", "## Over when")
COMMAND = re.compile(r"^ {4,}(\S.*)$", re.M)
KNOWN_PROGRAMS = {"mallbots", "docker", "curl", "redis-cli", "timedatectl"}
every_page = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda path: path.stem)


def commands(page: Path) -> list[list[str]]:
    """Lines of code; a selector of log lines is none."""
    return [shlex.split(line) for line in COMMAND.findall(page.read_text()) if not line.startswith("{")]


def faults(page: Path) -> list[list[str]]:
    return [shlex.split(text) for text in re.findall(r"`(mallbots fault on [^`]+)`", page.read_text())]


def parse(words: list[str]) -> None:
    """As the command line would, without doing it. Raises typer.TyperException."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("mallbots", words[1:], resilient_parsing=False)
    while hasattr(command, "resolve_command"):
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(command.name, words, parent=context)


def test_every_alert_has_its_page() -> None:
    assert [f"docs/runbooks/{page.name}" for page in RUNBOOKS] == sorted({alert.runbook for alert in ALERTS})


@every_page
def test_a_page_says_where_to_look_what_to_do_and_when_it_is_over(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {page.stem}\n")
    assert [part for part in PARTS if part not in text] == []
    assert len(text.splitlines()) <= 60


@every_page
def test_a_page_names_severity_and_dashboard_of_its_alert(page: Path) -> None:
    text, alerts = page.read_text(), [alert for alert in ALERTS if alert.name == page.stem]

    assert all(alert.severity in text and f"/d/{alert.board})" in text for alert in alerts)


@every_page
def test_commands_of_ours_can_be_given_as_they_stand(page: Path) -> None:
    for words in [*commands(page), *faults(page)]:
        assert words[0] in KNOWN_PROGRAMS
        if words[0] == "mallbots":
            parse(words)


def test_a_command_that_does_not_exist_is_found() -> None:
    with pytest.raises(typer.TyperException):
        parse(["mallbots", "parked", "lst"])


def test_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(typer.TyperException):
        parse(["mallbots", "parked", "list", "--status", "dead"])


@every_page
def test_commands_for_containers_name_services_that_exist(page: Path) -> None:
    for words in commands(page):
        if words[:2] == ["docker", "compose"] and words[2] in ("ps", "exec"):
            assert set(words[3 : 4 if words[2] == "exec" else None]) <= services().keys()


@every_page
def test_queries_ask_for_what_exists(page: Path) -> None:
    asked = [word.removeprefix("query=") for words in commands(page) for word in words if word.startswith("query=")]

    assert [text for expr in asked for text in problems(Asked(page.stem, expr), series())] == []


@every_page
def test_questions_that_a_page_refers_to_are_asked_on_a_dashboard(page: Path) -> None:
    asked = {panel.title for board in BOARDS for panel in board.panels}

    assert set(re.findall(r"\*([^*\n]+\?)\*", page.read_text())) <= asked


@every_page
def test_pages_that_a_page_refers_to_exist(page: Path) -> None:
    for name in re.findall(r"\]\(([\w-]+\.md)\)", page.read_text()):
        assert (page.parent / name).is_file(), name
