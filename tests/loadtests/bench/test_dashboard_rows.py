from typing import cast

import pytest

from dashboards.prometheus import MISSING
from dashboards.queries import Asked
from loadtests.bench import dashboard_rows
from loadtests.bench.asking import Answered
from loadtests.bench.dashboard_rows import longest, rows, with_data
from loadtests.bench.history import History
from loadtests.bench.rows import Skipped
from loadtests.bench.scale import QUICK
from loadtests.bench.stage import Stage

DAY = History(since=0, until=86_400, scraped=3_000, recorded=1_000)


def answered(seconds: float, expr: str = "mallbots_orders", has_data: bool = True) -> Answered:
    return Answered(Asked(f"the page of {expr}", expr), has_data, seconds, ("query", {"query": expr}))


def test_without_prometheus_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_rows, "PROGRAM", None)

    assert list(rows(cast(Stage, None), QUICK)) == [Skipped("dashboards", "slowest query", MISSING)]


def test_the_slowest_query_counts_and_is_named() -> None:
    slow = answered(1.2, "mallbots_bots")

    row = longest(slow, 0.4, [answered(0.1), slow, answered(0.3)], DAY)

    assert (row.name, row.figure, row.holds) == ("slowest query on 24 h", 1.2, False)
    assert row.ours == {"cpu_us": 400_000}
    assert row.note.startswith("the page of mallbots_bots")
    assert "300 ms" in row.note


def test_an_empty_answer_that_nothing_explains_is_a_fault_and_is_named() -> None:
    row = with_data([answered(0.1), answered(0.1, "mallbots_bots", has_data=False)])

    assert (row.figure, str(row.target), row.holds) == (1, "≥ 2", False)
    assert row.note.endswith("nothing in the page of mallbots_bots")


def test_an_empty_answer_is_none_where_another_program_would_make_it() -> None:
    row = with_data([answered(0.1), answered(0.1, "redis_clients_connected", has_data=False)])

    assert (row.figure, row.holds) == (1, True)
    assert row.note.startswith("0 of 1 others")
