"""The verdict for a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.figures import drive, latencies
from loadtests.judging import Kind, shown
from loadtests.verdict import Run


def show(run: Run, console: Console) -> None:
    console.print()
    console.print(_latencies(run))
    if run.steps:
        console.print()
        console.print(_steps(run))
    console.print()
    console.print(_checks(run))
    console.print()
    console.print(_drive(run), soft_wrap=True)
    if run.fault and run.fault.on_at:
        console.print(escape(_fault(run)), soft_wrap=True)
    console.print(_verdict(run), soft_wrap=True)


def _latencies(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("from when it should have begun", "count", "never", "p50", "p95", "p99"):
        table.add_column(title, justify="left" if table.row_count == 0 and not table.columns else "right")
    for series, each in latencies(run).items():
        table.add_row(series, f"{each.count}", f"{each.never}", shown(each.p50), shown(each.p95), shown(each.p99))
    return table


def _steps(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in (run.unit, "", "what did not hold"):
        table.add_column(title)
    for step in run.steps:
        table.add_row(f"{step.load:g}", _mark(step.held), escape(step.broken))
    return table


def _checks(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("", "", "what has to be so", "what was found"):
        table.add_column(title)
    before: Kind | None = None
    for check in run.checks:
        kind = "" if check.kind is before else check.kind.value
        before = check.kind
        table.add_row(kind, _mark(check.holds), escape(check.name), escape(check.detail))
    return table


def _drive(run: Run) -> str:
    each = drive(run)
    return (
        f"{each.calls} calls, {each.calls_per_second:g} a second; Locust used {each.locust_cores:g} cores, the mall "
        f"{each.mall_cores:g}; one Locust process can drive about {each.most_calls_per_second:.0f} calls a second"
    )


def _fault(run: Run) -> str:
    assert run.fault
    begun = run.measured.began_at
    off = f"{run.fault.off_at - begun:.0f} s" if run.fault.off_at else "the end"
    return f"{run.fault.name} was on from {run.fault.on_at - begun:.0f} s to {off}"


def _verdict(run: Run) -> str:
    if run.has_passed:
        return "[bold green]pass[/]"
    sofar = " so far" if run.interruption else ""
    return "\n".join([f"[bold red]fail{sofar}[/]", *(f"[red]✗ {escape(reason)}[/]" for reason in run.reasons)])


def _mark(holds: bool) -> str:
    return "[green]✓[/]" if holds else "[red]✗[/]"
