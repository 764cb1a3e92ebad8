import re
import shlex
from pathlib import Path

import pytest

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.expectations import EXPECTATIONS, Expectation
from dashboards.queries import Asked, selectors
from dashboards.vocabulary import series
from mallbots.directories import CONTEXTS
from tests.dashboards.test_runbooks import parse
from tests.dashboards.test_silence import FAULTS
from tests.support.fault_watch import marker_of, queries_of

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"
BOARD_TITLES = {board.uid: board.title for board in BOARDS}
every_expectation = pytest.mark.parametrize("expected", EXPECTATIONS, ids=lambda expected: expected.fault)


def test_of_every_fault_it_is_said_what_shows_it() -> None:
    assert sorted(expected.fault for expected in EXPECTATIONS) == sorted(FAULTS)


@every_expectation
def test_it_can_be_switched_on_as_is_said(expected: Expectation) -> None:
    parse(shlex.split(expected.command))
    if expected.afterwards:
        parse(shlex.split(expected.afterwards))

    assert expected.context in CONTEXTS


@every_expectation
def test_the_alert_that_is_expected_exists(expected: Expectation) -> None:
    [expr] = [alert.expr for alert in ALERTS if alert.name == expected.alert]

    labels = {label for each in selectors(Asked(expected.alert, expr).parsed) for label in series()[each.name]}
    assert expected.labels.keys() <= labels


@every_expectation
def test_the_panel_that_is_expected_shows_what_is_named(expected: Expectation) -> None:
    for sight in (expected.sight, marker_of(expected)):
        queries = [Asked(sight.panel, expr).parsed for expr in queries_of(sight)]

        labels = {label for query in queries for each in selectors(query) for label in series()[each.name]}
        assert sight.labels.keys() <= labels


@every_expectation
def test_the_document_says_the_same(expected: Expectation) -> None:
    panel = f"*{expected.sight.panel}* on {BOARD_TITLES[expected.sight.board]}"
    told = (f"`{expected.options}`", f"{expected.alert} SECONDS", panel, expected.sign.says)
    row = re.escape(f"| {' | '.join(told)} |").replace("SECONDS", r"\d+")

    assert re.search(f"^{row}$", DOCUMENT.read_text(), re.M), row
