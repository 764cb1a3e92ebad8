"""The verdict as one page that needs nothing but itself."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from loadtests.figures import drive, latencies
from loadtests.judging import shown
from loadtests.pictures import pictures
from loadtests.record import CallStats
from loadtests.verdict import Run

Row = Sequence[object]


def write_html(run: Run, path: Path) -> None:
    path.write_text(page(run), encoding="utf-8")


def page(run: Run) -> str:
    title = f"Load test, {run.shape.name}: {'pass' if run.has_passed else 'fail'}"
    sections = [
        _head(run),
        *(f'<section class="charts">{drawn}</section>' for drawn in [pictures(run)] if drawn),
        _section("What has to be so", _checks(run)),
        _section("Latencies, from when they should have begun", _latencies(run)),
        _section("Step by step", _steps(run)) if run.steps else "",
        _section("Orders", _orders(run)),
        _section("What Locust counted", _calls(run)),
        _section("Failed calls", _failures(run)) if run.measured.summary.failures else "",
        _section("Visits that went otherwise", _surprises(run)) if run.measured.surprises else "",
        _section("What it cost", _costs(run)),
    ]
    return _PAGE.format(title=escape(title), style=_STYLE, body="\n".join(sections))


def _head(run: Run) -> str:
    told, each = run.instructions, drive(run)
    cost = f"Locust used {each.locust_cores:g} cores, the mall {each.mall_cores:g}"
    load = f"up to {told.rate:g} customers a second" if told.is_open else f"{told.users} customers, who come again"
    verdict, sofar = ("pass", "") if run.has_passed else ("fail", " so far" if run.interruption else "")
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in run.reasons)
    fault = f" · fault: {escape(run.fault.name)}" if run.fault else ""
    return (
        f'<header><h1><b class="{verdict}">{verdict}{sofar}</b> Load test: {run.shape.name}</h1>'
        f"<p>{load} · {run.measured.seconds:.0f} s · seed {told.seed}{fault}</p>"
        f"<p>{each.calls} calls, {each.calls_per_second:g} a second · {cost} · "
        f"one Locust process can drive about {each.most_calls_per_second:.0f} calls a second</p>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}</header>"
    )


def _checks(run: Run) -> str:
    rows = [
        (check.kind.value, _mark(check.holds), check.name, check.detail, "" if check.holds else "bad")
        for check in run.checks
    ]
    return _table(("", "", "has to be so", "was found"), (row[:4] for row in rows), [row[4] for row in rows])


def _latencies(run: Run) -> str:
    rows = [
        (series, each.count, each.never, shown(each.p50), shown(each.p95), shown(each.p99))
        for series, each in latencies(run).items()
    ]
    return _table(("series", "count", "never", "p50", "p95", "p99"), rows)


def _steps(run: Run) -> str:
    rows = [(f"{step.load:g}", _mark(step.held), step.broken) for step in run.steps]
    return _table((run.unit, "held", "what did not hold"), rows)


def _orders(run: Run) -> str:
    counts = run.account.counts if run.account else {}
    rows = [("placed", len(run.measured.placed)), *sorted(counts.items())]
    return _table(("", "orders"), rows)


def _calls(run: Run) -> str:
    def row(each: CallStats) -> Row:
        times = (shown(value) for value in (each.p50, each.p95, each.p99, each.slowest))
        return (each.kind, each.name, each.count, each.failed, *times)

    rows = [row(each) for each in run.measured.summary.calls]
    return _table(("", "", "count", "failed", "p50", "p95", "p99", "slowest"), rows)


def _failures(run: Run) -> str:
    return _table(
        ("", "error", "times"), [(each.name, each.error, each.count) for each in run.measured.summary.failures]
    )


def _surprises(run: Run) -> str:
    begun = run.measured.began_at
    rows = [(f"{each.at - begun:.1f} s", each.journey, each.what) for each in run.measured.surprises]
    return _table(("at", "journey", "what happened"), rows[:200])


def _costs(run: Run) -> str:
    parts = [*run.costs.items(), ("Locust", run.measured.swarm_cpu_seconds)]
    return _table(("process", "CPU seconds"), [(part, f"{seconds:.2f}") for part, seconds in parts])


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _table(titles: Sequence[str], rows: Iterable[Row], classes: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(
        f'<tr class="{classes[place] if place < len(classes) else ""}">{"".join(_cell(cell) for cell in row)}</tr>'
        for place, row in enumerate(rows)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    text = str(value)
    is_figure = isinstance(value, int | float) or (
        text[:1].isdigit() and text.removesuffix(" s").replace(".", "").isdigit()
    )
    return f'<td class="{"figure" if is_figure else ""}">{escape(text)}</td>'


def _mark(holds: bool) -> str:
    return "✓" if holds else "✗"


_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{style}</style></head>
<body>
{body}
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --line: #d7dce3; --paper: #fff;
  --good: #1a7f4b; --bad: #c0332b; --a: #2b6cb0; --b: #b7791f; --c: #6b46c1; --fault: #c0332b22 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --line: #333b49; --paper: #141820;
  --good: #4ac38a; --bad: #f07a70; --a: #6cb2f0; --b: #e3b04b; --c: #b794f4; --fault: #f07a7033 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1180px;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
header p { color: var(--soft); margin: .3rem 0 } header ul { color: var(--bad); padding-left: 1.2rem }
b.pass, b.fail { color: var(--paper); padding: .1rem .6rem; border-radius: .3rem; margin-right: .4rem }
b.pass { background: var(--good) } b.fail { background: var(--bad) }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th { text-align: left; color: var(--soft); font-weight: 500 }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.figure { font-variant-numeric: tabular-nums } tr.bad td { color: var(--bad) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(460px, 1fr)); gap: 1rem; margin-top: 1.5rem }
figure { margin: 0 } figcaption { font-weight: 500 } figcaption small { color: var(--soft); margin-left: .5rem }
figcaption small span { margin-right: .8rem }
figcaption small span::before { content: "● "; color: currentColor }
span.a { color: var(--a) } span.b { color: var(--b) } span.c { color: var(--c) } span.bad { color: var(--bad) }
svg { width: 100%; height: auto } text.tick { font-size: 11px; fill: var(--soft) }
line.grid { stroke: var(--line) } line.mark { stroke: var(--soft); stroke-dasharray: 1 4 }
line.limit { stroke: var(--bad); stroke-dasharray: 5 4 } rect.fault { fill: var(--fault) }
polyline { fill: none; stroke-width: 1.8 } polyline.a { stroke: var(--a) } polyline.b { stroke: var(--b) }
polyline.c { stroke: var(--c) } polyline.bad { stroke: var(--bad) }
circle { opacity: .55 } circle.a { fill: var(--a) } circle.b { fill: var(--b) } circle.c { fill: var(--c) }
"""
