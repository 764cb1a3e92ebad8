"""The rows as a person reads them."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from loadtests.bench.rows import Row, Skipped

NUMBER = {"justify": "right", "no_wrap": True}


def show(rows: Sequence[Row | Skipped], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("row")
    for title in ("ours", "theirs", "figure", "rounds", "target"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("note")
    for row in rows:
        if isinstance(row, Skipped):
            what, style = ("failed", "red") if row.failed else ("skipped", "dim")
            table.add_row(f"{row.group} · {row.name}", "", "", what, "", "", "", row.reason, style=style)
        else:
            table.add_row(*_cells(row))
    console.print(table)


def _cells(row: Row) -> tuple[str, ...]:
    rounds = f"{row.spread[0]:.2f} to {row.spread[1]:.2f}" if row.spread else ""
    mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: ""}[row.holds]
    return (
        f"{row.group} · {row.name}",
        _made_of(row.ours),
        _made_of(row.theirs),
        f"{_short(row.figure)} {row.unit}",
        rounds,
        str(row.target or ""),
        mark,
        row.note,
    )


def _made_of(measured: Mapping[str, float]) -> str:
    shown = {"cpu_us": "{} µs", "per_second": "{}/s", "wall_us": "{} µs", "mib": "{} MiB", "ms": "{} ms"}
    return " · ".join(text.format(_short(measured[name])) for name, text in shown.items() if name in measured)


def _short(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
