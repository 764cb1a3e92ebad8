import promql_parser
import pytest

from dashboards.boards import BOARDS
from dashboards.panels import SCRAPE_SECONDS, Bars, Lines, Number, Query, Table, is_instant
from dashboards.queries import Shown, as_sent, asked_by, shown, step_seconds, watched
from tests.telemetry_config.configurations import CONFIG, PROVISIONING, read


@pytest.mark.parametrize(
    ("expr", "sent"),
    [
        ('up{context="$context"}', 'up{context="depot"}'),
        ('sum(up{context=~"$context", group=~"$group"})', 'sum(up{context=~".*", group=~".*"})'),
        ('label_replace(up, "to", "$1", "from", "(.*)")', 'label_replace(up, "to", "$1", "from", "(.*)")'),
        ("rate(a[$__rate_interval]) + increase(b[$__range])", "rate(a[1m]) + increase(b[15m])"),
    ],
)
def test_choices_and_times_are_filled_in_as_grafana_does(expr: str, sent: str) -> None:
    assert as_sent(expr, "depot") == sent


def test_a_whole_day_is_filled_in_where_it_is_shown() -> None:
    expr = "rate(a[$__rate_interval]) + increase(b[$__range]) + c[$__interval]"

    assert as_sent(expr, time=shown(86_400)) == "rate(a[305s]) + increase(b[86400s]) + c[300s]"


@pytest.mark.parametrize(("seconds", "step"), [(900, 5), (3_600, 10), (21_600, 60), (86_400, 300), (604_800, 1_800)])
def test_points_are_as_far_apart_as_grafana_puts_them(seconds: int, step: int) -> None:
    assert step_seconds(seconds) == step


def test_a_wider_graph_has_more_points() -> None:
    assert step_seconds(86_400, points=1_000) == 60


def test_a_rate_looks_back_at_four_samples_at_least() -> None:
    assert shown(900) == Shown("900s", "5s", "20s")


def test_samples_are_as_far_apart_as_everybody_takes_them_to_be() -> None:
    [prometheus] = [each for each in read(PROVISIONING / "datasources.yaml")["datasources"] if each.get("isDefault")]

    assert read(CONFIG / "prometheus.yml")["global"]["scrape_interval"] == f"{SCRAPE_SECONDS}s"
    assert prometheus["jsonData"]["timeInterval"] == f"{SCRAPE_SECONDS}s"


def test_bars_tables_and_some_numbers_are_asked_for_now() -> None:
    query = Query("up")

    instant = [is_instant(panel(title="?", answer="."), query) for panel in (Bars, Table, Lines, Number)]

    assert instant == [True, True, False, False]
    assert is_instant(Number(title="?", answer="."), Query("up", instant=True))
    assert {asked.instant for board in BOARDS for asked in asked_by(board)} == {True, False}


@pytest.mark.parametrize(
    ("expr", "parts"),
    [
        ("max by (a) (x) > 10", ["max by (a) (x)"]),
        ("(x > 1\nunless on (a) y > 0) or z == 0", ["x", "z"]),
        ("x / (y > 0) > 0.8", ["x / (y > 0)"]),
    ],
)
def test_what_an_alert_looks_at_is_without_its_bounds(expr: str, parts: list[str]) -> None:
    found = [" ".join(part.prettify().split()) for part in watched(promql_parser.parse(expr))]

    assert [each.replace("( ", "(").replace(" )", ")") for each in found] == parts
