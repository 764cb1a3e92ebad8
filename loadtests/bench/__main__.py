"""`python -m loadtests.bench`: measures, prints the table, says which targets hold."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console

from loadtests.bench import (
    append_rows,
    call_rows,
    dashboard_rows,
    flow_rows,
    growth_rows,
    hop_rows,
    overload_rows,
    peer_rows,
    telemetry_rows,
)
from loadtests.bench.contenders import CannotMeasure
from loadtests.bench.rows import Row, Skipped, as_json
from loadtests.bench.scale import FULL, NORMAL, QUICK, Scale
from loadtests.bench.stage import Stage, open_stage
from loadtests.bench.table import show

WIDE = 190
GROUPS: dict[str, Callable[[Stage, Scale], Iterable[Row | Skipped]]] = {
    "hop": hop_rows.rows,
    "peers": peer_rows.rows,
    "probe": peer_rows.probed,
    "telemetry": telemetry_rows.rows,
    "append": append_rows.rows,
    "flow": flow_rows.rows,
    "calls": call_rows.rows,
    "overload": overload_rows.rows,
    "growth": growth_rows.rows,
    "dashboards": dashboard_rows.rows,
}


def main(arguments: list[str] | None = None) -> int:
    said = _parser().parse_args(arguments)
    unknown = [name for name in said.only if name not in GROUPS]
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    scale = QUICK if said.quick else FULL if said.full else NORMAL
    console = Console(stderr=said.json, width=None if sys.stdout.isatty() else WIDE)
    with open_stage() as stage:
        console.print(f"{stage.cores.told}; least of {scale.rounds}", style="dim")
        rows = list(measured(said.only or list(GROUPS), stage, scale, console))
        how = stage.cores.told
    if said.json:
        print(json.dumps({"how": how, "rounds": scale.rounds, "rows": [as_json(row) for row in rows]}))
    else:
        show(rows, console)
    return 1 if said.check and not all(map(is_good, rows)) else 0


def is_good(row: Row | Skipped) -> bool:
    """A target that was missed is not, and neither is what failed; what is not there is no fault."""
    return not row.failed if isinstance(row, Skipped) else row.holds is not False


def measured(names: Iterable[str], stage: Stage, scale: Scale, console: Console) -> Iterator[Row | Skipped]:
    for name in names:
        console.print(f"measuring {name} …", style="dim")
        try:
            yield from GROUPS[name](stage, scale)
        except CannotMeasure as failed:
            yield Skipped(name, "…", str(failed), failed=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], metavar="A,B", help=f"some of {','.join(GROUPS)}"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one small round: whether it works, not how fast it is")
    size.add_argument("--full", action="store_true", help="with a million events of history")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed or a row fails")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what it has started ends too
    sys.exit(main())
