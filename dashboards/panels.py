"""A dashboard as data: each panel is a question, the queries that answer it, and where to go on from there."""

from dataclasses import dataclass, field

SECONDS, RATE, RATIO, COUNT, BYTES, MILLISECONDS = "s", "reqps", "percentunit", "short", "bytes", "ms"
EVENTS = "cps"
# As many as can be told apart; a day of it then costs no more than an hour.
POINTS = 400
# As Prometheus is configured, and Grafana's data source says.
SCRAPE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Query:
    """`expr` is PromQL. With `exemplars`, dots on the graph lead to traces: it must then ask for raw buckets."""

    expr: str
    legend: str = ""
    exemplars: bool = False
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads; `url` may use Grafana's variables."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`title` is the question; `answer` says how to read what is seen. `warn` and `bad` are where colours change."""

    title: str
    answer: str
    queries: tuple[Query, ...] = ()
    unit: str = COUNT
    links: tuple[Link, ...] = ()
    warn: float | None = None
    bad: float | None = None
    low_is_bad: bool = False
    width: int = 12
    height: int = 8


class Lines(Panel):
    """Values over time."""


class Stacked(Panel):
    """Parts of a whole over time."""


class Number(Panel):
    """How it is now."""


class Bars(Panel):
    """How it is now, one bar each."""


class HeatMap(Panel):
    """How values are spread over time; its one query gives buckets by `le`."""


class Table(Panel):
    """How it is now, one row each."""


class States(Panel):
    """Which of a few states it was in, over time."""


def is_instant(panel: Panel, query: Query) -> bool:
    """It is asked for how it is now, not over time."""
    return query.instant or isinstance(panel, Bars | Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs(Panel):
    """Lines that a LogQL query finds."""

    logql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces(Panel):
    """Traces that a search in Jaeger finds: of a service, with tags, that took at least so long."""

    service: str
    operation: str = ""
    tags: str = ""
    longer_than: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of the page: values of a label of a metric. `{name}` picks several unless `single`."""

    name: str
    query: str
    single: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """`question` is what somebody comes with; the first row answers it, the others say why."""

    uid: str
    title: str
    question: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    reads_next: tuple[str, ...] = field(default=())

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)
