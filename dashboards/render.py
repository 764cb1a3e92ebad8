"""Turns a board into Grafana's JSON."""

from collections.abc import Iterable
from typing import Any

from dashboards import grafana as g
from dashboards.links import JAEGER, LOKI, PROMETHEUS, source
from dashboards.panels import (
    POINTS,
    Bars,
    Board,
    HeatMap,
    Lines,
    Link,
    Logs,
    Number,
    Panel,
    Query,
    Row,
    Stacked,
    States,
    Table,
    Traces,
    Variable,
    is_instant,
)

REFRESH, RANGE, TAG = "5s", "now-15m", "mallbots"
GREEN, ORANGE, RED = "green", "orange", "red"
_BUILDERS: dict[type[Panel], Any] = {
    Lines: g.timeseries.Panel,
    Stacked: g.timeseries.Panel,
    Number: g.stat.Panel,
    Bars: g.bargauge.Panel,
    HeatMap: g.heatmap.Panel,
    Table: g.table.Panel,
    States: g.statetimeline.Panel,
    Logs: g.logs.Panel,
    Traces: g.table.Panel,
}


def as_json(board: Board, known: Iterable[Board]) -> str:
    """The dashboard's file; `known` are all boards, so that this one can name those to read next."""
    titles = {other.uid: other.title for other in known}
    page = g.dashboard.Dashboard(board.title).uid(board.uid).description(board.question).tags([TAG])
    page.timezone("browser").refresh(REFRESH).time(RANGE, "now").tooltip(g.models.DashboardCursorSync.CROSSHAIR)
    page.editable().links([_page_link(titles[uid], uid) for uid in board.reads_next] + [_all_boards()])
    page.variables([*_sources(board), *(_variable(each) for each in board.variables)]).annotations(
        [_alerts(), _faults()]
    )
    for row in board.rows:
        _add(page, row)
    built = page.build()
    _number(built.panels or [])
    return g.JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"


def _add(page: Any, row: Row) -> None:
    page.with_row(g.dashboard.Row(row.title))
    for panel in row.panels:
        page.with_panel(_panel(panel))


def _number(panels: Iterable[Any]) -> None:
    for number, panel in enumerate(panels, 1):
        panel.id_val = number


def _panel(panel: Panel) -> Any:
    built = _BUILDERS[type(panel)]().title(panel.title).description(panel.answer).span(panel.width).height(panel.height)
    if isinstance(panel, Logs):
        target = g.loki.Dataquery().expr(panel.logql).ref_id("A").datasource(_source(LOKI))
        return built.datasource(_source(LOKI)).with_target(target).show_time(True).enable_log_details(True)
    if isinstance(panel, Traces):
        return built.datasource(_source(JAEGER)).with_target(_Search(panel))
    built.datasource(_source(PROMETHEUS)).unit(panel.unit).thresholds(_thresholds(panel)).max_data_points(POINTS)
    for place, query in enumerate(panel.queries):
        built.with_target(_target(panel, query, chr(ord("A") + place)))
    if panel.links:
        built.data_links([_data_link(link) for link in panel.links])
    _dress(panel, built)
    return built


def _target(panel: Panel, query: Query, letter: str) -> Any:
    target = g.prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend or "__auto")
    target.exemplar(query.exemplars).datasource(_source(PROMETHEUS))
    formats = g.prometheus_models.PromQueryFormat
    if isinstance(panel, Table):
        target.format(formats.TABLE)
    if isinstance(panel, HeatMap):
        target.format(formats.HEATMAP)
    return target.instant() if is_instant(panel, query) else target.range()


def _dress(panel: Panel, built: Any) -> None:
    match panel:
        case Lines() | Stacked():
            _dress_lines(panel, built)
        case Number():
            built.reduce_options(_last()).color_mode(g.common.BigValueColorMode.VALUE)
            built.graph_mode(g.common.BigValueGraphMode.AREA)
        case Bars():
            built.reduce_options(_last()).orientation(g.common.VizOrientation.HORIZONTAL)
        case HeatMap():
            colors = g.heatmap.HeatmapColorOptions().mode(g.heatmap_models.HeatmapColorMode.SCHEME).scheme("Spectral")
            built.color(colors.steps(64).reverse(True)).cell_gap(1).filter_values(_not_zero())
            built.y_axis(g.heatmap.YAxisConfig().unit(panel.unit)).exemplars_color("rgba(255,0,255,0.7)")
            built.show_value(g.common.VisibilityMode.NEVER)
        case Table():
            if len(panel.queries) > 1:
                built.with_transformation(g.models.DataTransformerConfig("merge", options={}))
            built.with_transformation(g.models.DataTransformerConfig("organize", options=_columns(panel)))
        case States():
            built.show_value(g.common.VisibilityMode.NEVER)


def _columns(panel: Panel) -> dict[str, object]:
    """No time, for it is now; each query's value under the query's own name."""
    letters = [f"Value #{chr(ord('A') + place)}" for place in range(len(panel.queries))]
    names = letters if len(letters) > 1 else ["Value"]
    renamed = {name: query.legend for name, query in zip(names, panel.queries, strict=True) if query.legend}
    return {"excludeByName": {"Time": True}, "renameByName": renamed}


def _dress_lines(panel: Panel, built: Any) -> None:
    built.tooltip(
        g.parts.VizTooltipOptions().mode(g.common.TooltipDisplayMode.MULTI).sort(g.common.SortOrder.DESCENDING)
    )
    legend = g.parts.VizLegendOptions().display_mode(g.common.LegendDisplayMode.LIST).show_legend(True)
    built.legend(legend.placement(g.common.LegendPlacement.BOTTOM).calcs([])).line_width(1).min(0)
    if isinstance(panel, Stacked):
        built.stacking(g.parts.StackingConfig().mode(g.common.StackingMode.NORMAL)).fill_opacity(30)
    elif panel.bad is not None:
        style = g.parts.GraphThresholdsStyleConfig().mode(g.common.GraphThresholdsStyleMode.LINE)
        built.thresholds_style(style)


def _thresholds(panel: Panel) -> Any:
    colors = (RED, ORANGE, GREEN) if panel.low_is_bad else (GREEN, ORANGE, RED)
    bounds = (panel.bad, panel.warn) if panel.low_is_bad else (panel.warn, panel.bad)
    steps = [g.models.Threshold(value=None, color=colors[0])]
    steps += [
        g.models.Threshold(value=at, color=color)
        for at, color in zip(bounds, colors[1:], strict=True)
        if at is not None
    ]
    return g.dashboard.ThresholdsConfig().mode(g.models.ThresholdsMode.ABSOLUTE).steps(steps)


def _last() -> Any:
    return g.parts.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _not_zero() -> Any:
    return g.heatmap.FilterValueRange().le(1e-9)


def _source(kind: str) -> Any:
    return g.common.DataSourceRef(type_val=kind, uid=source(kind))


def _sources(board: Board) -> Iterable[Any]:
    """The choice of each data source that something of the page asks or leads to."""
    there = repr(board)
    for kind, panel, title in ((PROMETHEUS, Panel, "Prometheus"), (JAEGER, Traces, "Jaeger"), (LOKI, Logs, "Loki")):
        if source(kind) in there or any(isinstance(each, panel) for each in board.panels):
            yield g.dashboard.DatasourceVariable(kind).type(kind).label(title)


def _data_link(link: Link) -> Any:
    return g.dashboard.DashboardLink(link.title).url(link.url).target_blank(False)


def _page_link(title: str, uid: str) -> Any:
    link = g.dashboard.DashboardLink(title).type(g.models.DashboardLinkType.LINK).url(f"/d/{uid}")
    return link.keep_time(True).include_vars(True).icon("dashboard")


def _all_boards() -> Any:
    link = g.dashboard.DashboardLink("all of MallBots").type(g.models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True).include_vars(True)


def _variable(variable: Variable) -> Any:
    built = g.dashboard.QueryVariable(variable.name).label(variable.name).query(variable.query)
    built.datasource(_source(PROMETHEUS)).refresh(g.models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    built.sort(g.models.VariableSort.ALPHABETICAL_ASC)
    return built if variable.single else built.multi(True).include_all(True).all_value(".*")


def _alerts() -> Any:
    firing = 'sum by (alertname, severity) (ALERTS{alertstate="firing", severity!="note"})'
    return _annotation("alerts", firing, RED, "{{alertname}}", "alertname,severity")


def _faults() -> Any:
    return _annotation("faults", "max by (fault) (mallbots_faults_active) > 0", "purple", "fault: {{fault}}", "fault")


def _annotation(name: str, expr: str, color: str, title: str, tags: str) -> Any:
    built = g.dashboard.AnnotationQuery().name(name).datasource(_source(PROMETHEUS)).enable(True).icon_color(color)
    return built.expr(expr).title_format(title).tag_keys(tags).step("10s").text_format(title)


class _Search(g.Dataquery):
    """Jaeger's search, which Grafana's types leave out."""

    def __init__(self, panel: Traces) -> None:
        wanted = {
            "service": panel.service,
            "operation": panel.operation,
            "tags": panel.tags,
            "minDuration": panel.longer_than,
        }
        self._json: dict[str, object] = {
            "refId": "A",
            "datasource": {"type": JAEGER, "uid": source(JAEGER)},
            "queryType": "search",
            "limit": 20,
        } | {key: value for key, value in wanted.items() if value}

    def build(self) -> "_Search":
        return self

    def to_json(self) -> dict[str, object]:
        return self._json
