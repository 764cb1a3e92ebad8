import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.boards import BOARDS
from dashboards.prometheus import Course, Prometheus, Refused, free_address, running_prometheus
from dashboards.queries import asked_by
from loadtests.bench.asking import ask_all
from loadtests.bench.dashboard_rows import CONFIG, OPTIONS
from loadtests.bench.history import filled, write_history
from loadtests.bench.remote_write import write
from tests.support.running_prometheus import needs_prometheus

EXPOSED = """\
# TYPE mallbots_commit_seconds histogram
mallbots_commit_seconds_bucket{context="depot",le="0.1"} 30.0
mallbots_commit_seconds_bucket{context="depot",le="+Inf"} 60.0
mallbots_commit_seconds_count{context="depot"} 60.0
mallbots_commit_seconds_sum{context="depot"} 6.5
# EOF
"""
RECORDED = "context:mallbots_commit_seconds_bucket:rate1m"


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG)
    with running_prometheus(tmp_path, config, free_address(), *OPTIONS) as running:
        yield running


def test_points_are_filled_in_on_straight_lines() -> None:
    times, values = filled(Course({}, [(30.0, 0.0), (60.0, 6.0), (90.0, 6.0)]), every=10)

    assert times == (40_000, 50_000, 60_000, 70_000, 80_000, 90_000)
    assert list(values) == [2.0, 4.0, 6.0, 6.0, 6.0, 6.0]


def test_nothing_is_filled_in_where_there_was_nothing() -> None:
    times, values = filled(Course({}, [(30.0, 1.0), (90.0, 3.0), (120.0, math.nan)]), every=30)

    assert times == (120_000,) and math.isnan(values[0])


@needs_prometheus
def test_an_hour_is_there_as_if_it_had_been_scraped(prometheus: Prometheus) -> None:
    history = write_history(prometheus, {"depot": [EXPOSED]}, 3_600)

    answers = ask_all(prometheus, history.since, history.until)
    scraped, recorded = (count(prometheus, name, history.until) for name in ("up", RECORDED))
    with_data = {each.asked.where for each in answers if each.has_data}
    assert (history.until - history.since, history.scraped) == (3_600, 7)
    assert scraped == {720.0}
    assert len(recorded) == 1 and 700 < min(recorded) <= 720
    assert "7 · Event store and projections: How long does a commit take?" in with_data
    assert len(answers) == sum(len(asked_by(board)) for board in BOARDS)


@needs_prometheus
def test_what_prometheus_has_against_it_is_told(prometheus: Prometheus) -> None:
    with pytest.raises(Refused, match="parse error"):
        prometheus.ask("sum(")
    with pytest.raises(Refused, match="illegal tag"):
        write(prometheus.address, [b"\x00 no series"])


def count(prometheus: Prometheus, name: str, until: int) -> set[float]:
    """How many samples each of its series has."""
    return {
        value
        for course in prometheus.ask_over(f"count_over_time({name}[1h])", until, until, 1)
        for _, value in course.points
    }
