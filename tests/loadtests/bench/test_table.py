import io

from rich.console import Console

from loadtests.bench.rows import Row, Skipped, at_least
from loadtests.bench.table import show


def shown(*rows: Row | Skipped) -> str:
    page = io.StringIO()
    show(rows, Console(file=page, width=200))
    return page.getvalue()


def test_the_table_shows_figure_target_and_whether_it_holds() -> None:
    page = shown(
        Row(group="hop", name="against bare", figure=0.512, target=at_least(0.4), ours={"cpu_us": 55.2}, note="why"),
        Row(group="hop", name="against stock", figure=1.21, target=at_least(1.8)),
    )

    held, missed = page.splitlines()[1:3]
    assert all(part in held for part in ("hop · against bare", "55.2 µs", "0.512 x", "≥ 0.4", "✓", "why"))
    assert "✗" in missed and "✓" not in missed


def test_a_skipped_row_stays_in_the_table() -> None:
    page = shown(Skipped("peers", "Protean", "not installed"))

    assert "peers · Protean" in page
    assert "skipped" in page
    assert "not installed" in page
