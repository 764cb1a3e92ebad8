import re
from urllib.parse import unquote

import pytest

from dashboards.boards import BOARDS
from dashboards.links import source
from dashboards.panels import Board, Link, Logs, Panel, Traces
from dashboards.queries import asked_by, choices_in

BY_UID = {board.uid: board for board in BOARDS}
SUBJECTS = (
    "Mall today",
    "Flows",
    "Consumers",
    "Outbox and streams",
    "Sagas",
    "One context",
    "Event store and projections",
    "Redis and PostgreSQL",
    "Load and faults",
    "Telemetry itself",
)
every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


def links_of(board: Board) -> list[tuple[Panel, Link]]:
    return [(panel, link) for panel in board.panels for link in panel.links]


def test_there_is_a_dashboard_for_each_subject() -> None:
    titles = [board.title.partition(" · ")[2] for board in BOARDS]

    assert titles == list(SUBJECTS)


@every_board
def test_every_panel_asks_a_question_and_says_how_to_read_the_answer(board: Board) -> None:
    assert [panel.title for panel in board.panels if not panel.title.endswith("?")] == []
    assert [panel.title for panel in board.panels if not panel.answer.endswith(".")] == []


@every_board
def test_no_question_is_asked_twice_on_a_page(board: Board) -> None:
    titles = [panel.title for panel in board.panels]

    assert sorted(titles) == sorted(set(titles))


@every_board
def test_a_page_leads_to_the_next_ones(board: Board) -> None:
    assert board.reads_next
    assert set(board.reads_next) <= BY_UID.keys() - {board.uid}


@every_board
def test_links_to_dashboards_set_variables_that_these_have(board: Board) -> None:
    for panel, link in links_of(board):
        if uid := re.match(r"/d/([\w-]+)", link.url):
            known = {variable.name for variable in BY_UID[uid[1]].variables}
            assert set(re.findall(r"var-(\w+)=", link.url)) <= known, panel.title


@every_board
def test_links_carry_the_time_that_is_shown(board: Board) -> None:
    for panel, link in links_of(board):
        assert "${__from}" in unquote(link.url), panel.title
        assert "${__to}" in unquote(link.url), panel.title


@pytest.mark.parametrize("board", BOARDS[:7], ids=lambda board: board.uid)
def test_what_the_mall_does_leads_to_traces_or_logs(board: Board) -> None:
    to_traces = [panel for panel in board.panels if isinstance(panel, Traces) or _leads_to(panel, "jaeger")]
    to_logs = [panel for panel in board.panels if isinstance(panel, Logs) or _leads_to(panel, "loki")]

    assert to_traces
    assert to_logs or board.uid == "mallbots-flows"


@every_board
def test_dots_on_graphs_come_from_raw_buckets(board: Board) -> None:
    with_dots = [query.expr for panel in board.panels for query in panel.queries if query.exemplars]

    assert [expr for expr in with_dots if ":" in expr.partition("_bucket")[0]] == []


@every_board
def test_what_looks_at_the_whole_time_is_asked_once(board: Board) -> None:
    whole = [query for panel in board.panels for query in panel.queries if "$__range" in query.expr]

    assert [query.expr for query in whole if not query.instant] == []


@every_board
def test_raw_buckets_are_looked_at_a_minute_at_a_time(board: Board) -> None:
    raw = re.compile(r"(?<![:\w])mallbots_event\w+_bucket|(?<![:\w])rpc_\w+_bucket")
    queries = [query.expr for panel in board.panels for query in panel.queries if raw.search(query.expr)]

    assert [expr for expr in queries if "[1m]" not in expr] == []


def test_there_are_dots_for_flows_orders_and_calls() -> None:
    dotted = {board.uid for board in BOARDS for panel in board.panels for query in panel.queries if query.exemplars}

    assert {"mallbots-flows", "mallbots-mall-today", "mallbots-one-context"} <= dotted


@every_board
def test_queries_use_only_choices_of_their_page(board: Board) -> None:
    used = {name for query in asked_by(board) for name in choices_in(query.expr)}

    assert used <= {variable.name for variable in board.variables}


@every_board
def test_every_choice_of_a_page_changes_something(board: Board) -> None:
    used = {name for query in asked_by(board) for name in choices_in(query.expr)}

    assert {variable.name for variable in board.variables} <= used


def _leads_to(panel: Panel, uid: str) -> bool:
    return any(f'"datasource":"{source(uid)}"' in unquote(link.url) for link in panel.links)
