import promql_parser
import pytest

from tests.dashboards.queries import as_sent, watched


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
