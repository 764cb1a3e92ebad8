"""Every query, how Grafana sends it, and what it asks for: series with the labels they are chosen and grouped by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser

from dashboards.alerts import ALERTS
from dashboards.boards import BOARDS
from dashboards.panels import POINTS, SCRAPE_SECONDS, Board, is_instant
from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS

_VARIABLE = re.compile(r"\$__(rate_interval|range|interval)")
_CHOICE = re.compile(r"\$(\w+)")
OF_ONE_CONTEXT = '="$context"'
_BOUNDS = {">", "<", ">=", "<=", "==", "!=", "and", "unless"}
# Grafana's steps between points, in seconds, and up to where it takes each.
_STEPS = {5: 7.5, 10: 12.5, 15: 17.5, 20: 25, 30: 45, 60: 90, 120: 210, 300: 450, 600: 750, 900: 1050, 1200: 1500}
_LONGEST_STEP = 1800
Known = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and where it stands. `instant`: only for how it is at the end of the time that is shown."""

    where: str
    expr: str
    instant: bool = False

    @property
    def parsed(self) -> Any:
        return promql_parser.parse(without_variables(self.expr))


@dataclass(frozen=True, slots=True)
class Shown:
    """The time that a page shows, as Grafana fills it in: how long it is, how far apart two points of a graph are, and
    what a rate looks back at."""

    range: str
    interval: str
    rate_interval: str


A_QUARTER_OF_AN_HOUR = Shown("15m", "5s", "1m")


def step_seconds(seconds: int, points: int = POINTS) -> int:
    """How far apart Grafana's points are for so long a time, where a panel takes so many at most; not beyond days."""
    wanted = max(SCRAPE_SECONDS, seconds / points)
    return next((step for step, most in _STEPS.items() if wanted <= most), _LONGEST_STEP)


def shown(seconds: int, points: int = POINTS) -> Shown:
    """A rate looks back at four samples at least."""
    step = step_seconds(seconds, points)
    return Shown(f"{seconds}s", f"{step}s", f"{max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s")


def without_variables(expr: str) -> str:
    """As Prometheus gets it: `$__rate_interval` is a minute, `$context` some text."""
    return _CHOICE.sub("any", _VARIABLE.sub("1m", expr).replace('"$1"', '"source"'))


def as_sent(expr: str, context: str = "", time: Shown = A_QUARTER_OF_AN_HOUR) -> str:
    """As Grafana sends it: of what can be chosen all, and that context where it is to be one."""
    timed = _VARIABLE.sub(lambda found: str(getattr(time, found[1])), expr)
    chosen = timed.replace(OF_ONE_CONTEXT, f'="{context}"')
    return _CHOICE.sub(lambda found: found[0] if found[1].isdigit() else ".*", chosen)


def watched(node: Any) -> Iterator[Any]:
    """What an alert looks at, without the bounds that it sets and the cases that it leaves out."""
    if isinstance(node, promql_parser.ParenExpr):
        yield from watched(node.expr)
    elif isinstance(node, promql_parser.BinaryExpr) and str(node.op) in _BOUNDS:
        yield from watched(node.lhs)
    elif isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "or":
        yield from (*watched(node.lhs), *watched(node.rhs))
    else:
        yield node


def choices_in(expr: str) -> set[str]:
    """The dashboard's variables that a query uses."""
    return {name for name in _CHOICE.findall(expr) if not name.startswith("__") and name != "1"}


def asked() -> list[Asked]:
    """All queries of all panels, annotations left out, and of all rules."""
    panels = [each for board in BOARDS for each in asked_by(board)]
    rules = [Asked(each.name, each.expr) for each in (*RECORDINGS, *OBJECTIVE_RECORDINGS)]
    return panels + rules + [Asked(alert.name, alert.expr) for alert in ALERTS]


def asked_by(board: Board) -> list[Asked]:
    return [
        Asked(f"{board.title}: {panel.title}", query.expr, is_instant(panel, query))
        for panel in board.panels
        for query in panel.queries
    ]


def problems(query: Asked, known: Known) -> list[str]:
    """Series that nobody makes, and labels that they do not have."""
    found = []
    for selector in selectors(query.parsed):
        labels = known.get(selector.name)
        if labels is None:
            found.append(f"{query.where}: there is no {selector.name}")
        else:
            wrong = {matcher.name for matcher in selector.matchers.matchers} - labels
            found += [f"{query.where}: {selector.name} has no label {label}" for label in sorted(wrong)]
    return found + list(_wrong_groupings(query, query.parsed, known))


def selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for child in _children(node):
        yield from selectors(child)


def _wrong_groupings(query: Asked, node: Any, known: Known) -> Iterator[str]:
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
        labels = frozenset[str]().union(*(known.get(each.name, frozenset()) for each in selectors(node)))
        for label in sorted(set(node.modifier.labels) - labels):
            yield f"{query.where}: nothing under `by` has the label {label}"
    for child in _children(node):
        yield from _wrong_groupings(query, child, known)


def _children(node: Any) -> Iterator[Any]:
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        child = getattr(node, name, None)
        if isinstance(child, promql_parser.Expr):
            yield child
    yield from getattr(node, "args", None) or ()
