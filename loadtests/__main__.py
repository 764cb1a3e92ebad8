"""`python -m loadtests`: load for a mall, and a verdict on how it took it."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtests.conduct import conduct
from loadtests.figures import as_json
from loadtests.html_report import write_html
from loadtests.junit import write_junit
from loadtests.loopback import is_free
from loadtests.progress import Progress
from loadtests.shapes import KINDS
from loadtests.text_report import show
from loadtests.verdict import Run
from loadtests.wanted import Wanted, filled_in, problem_with
from mallbots.directories import VARIABLE
from mallbots.reporting import Failed, open_console, print_json, run

SHAPES = "; ".join(f"{name}: {kind.purpose}" for name, kind in KINDS.items())
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def load(
    shape: Annotated[str, typer.Option(help=f"{SHAPES}.")] = "steady",
    rate: Annotated[
        float,
        typer.Option(help="Customers a second at most, whether or not earlier ones are done.", show_default=False),
    ] = 0,
    users: Annotated[
        int, typer.Option(help="Customers at once at most; without --rate, these come again.", show_default=False)
    ] = 0,
    seconds: Annotated[
        float, typer.Option(help="How long customers come; as suits the shape, if not said.", show_default=False)
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    data: Annotated[
        Path | None, typer.Option(envvar=VARIABLE, help="Where a mall runs; else one is started, and stopped again.")
    ] = None,
    fault: Annotated[str, typer.Option(help="On for the second quarter; as `mallbots fault on` has it.")] = "",
    report: Annotated[Path | None, typer.Option(help="Leave load.xml (JUnit) and load.html in this directory.")] = None,
    web: Annotated[bool, typer.Option("--web", help="Show Locust's own page during the run.")] = False,
    page: Annotated[str, typer.Option(help="Where that page is; on this machine's loopback only.")] = "127.0.0.1:8089",
    metrics: Annotated[str, typer.Option(help="Where Prometheus finds Locust, if that is free.")] = "127.0.0.1:9646",
    json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Customers, staff and robots come over gRPC. In the end there is a verdict, and exit code 1 if it is no pass."""
    wanted = Wanted(
        shape=shape,
        seconds=seconds,
        rate=rate,
        users=users,
        seed=seed,
        data=data.absolute() if data else None,
        fault=fault,
        page=page if web else "",
        metrics=metrics,
    )
    if problem := problem_with(wanted):
        raise typer.BadParameter(problem)
    run(partial(_load, filled_in(wanted), report, json))


async def _load(wanted: Wanted, report: Path | None, json_wanted: bool) -> None:
    """Raises Failed when the verdict is no pass."""
    if wanted.page and not is_free(wanted.page):
        raise Failed(f"{wanted.page} is in use: choose another place with --page")
    console = open_console(stderr=True)
    if wanted.metrics and not is_free(wanted.metrics):
        console.print(f"{wanted.metrics} is in use: Prometheus will not see this run", style="yellow", soft_wrap=True)
        wanted = replace(wanted, metrics="")
    with Progress(console) as progress:
        done = await conduct(wanted, progress.say, progress.follow)
    if report:
        _leave(done, report, console)
    if json_wanted:
        print_json(as_json(done))
    else:
        show(done, open_console())
    if not done.has_passed:
        raise Failed(f"{len(done.reasons)} of {len(done.checks)} checks do not hold")


def _leave(done: Run, report: Path, console: Console) -> None:
    report.mkdir(parents=True, exist_ok=True)
    write_junit(done, report / "load.xml")
    write_html(done, report / "load.html")
    console.print(f"reports: {report / 'load.xml'}, {report / 'load.html'}", style="dim", soft_wrap=True)


def main() -> int:
    """The exit code. A wrong option is refused in one line."""
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.TyperException as error:
        if reason := " ".join(error.format_message().split()):
            typer.echo(f"loadtests: {reason}", err=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
