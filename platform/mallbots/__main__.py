"""The `mallbots` command. Each subcommand imports what it needs only when it is used, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mallbots.directories import data_directory
from mallbots.grouped_commands import Data, Json, fault_app, lost_app, parked_app
from mallbots.reporting import run

app = typer.Typer(
    help="MallBots: an event-driven mall, and what it takes to see how it works.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
events_app = typer.Typer(help="What the contexts say.", no_args_is_help=True)
app.add_typer(fault_app, name="fault")
app.add_typer(events_app, name="events")
app.add_typer(parked_app, name="parked")
app.add_typer(lost_app, name="lost")


def _version(wanted: bool) -> None:
    if wanted:
        from mallbots_platform.schema import VERSION
        from telemetry.bundle import own_version

        typer.echo(f"mallbots {own_version()}, databases of number {VERSION}")
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which one this is.")
    ] = False,
) -> None: ...


@app.command()
def demo(
    context: typer.Context,
    orders: Annotated[int, typer.Option(help="How many orders are placed.")] = 50,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the run here; else a scratch directory is removed afterwards.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Do not remove the scratch directory.")] = False,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Kill, cut, stop and confuse everything while orders flow.")
    ] = False,
    json: Json = False,
) -> None:
    """A day in the mall: start everything, place orders, show one's flow, check the invariants, stop everything."""
    from mallbots.demo import demo

    again = _again(context, "orders", "seed", "chaos")
    run(lambda: demo(orders, seed, data, keep, chaos, json, again))


@app.command()
def soak(
    context: typer.Context,
    minutes: Annotated[float, typer.Option(help="How long customers come.")] = 10.0,
    rate: Annotated[float, typer.Option(help="How many a second.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    json: Json = False,
) -> None:
    """Customers for minutes on end, trouble all the while; nothing may be lost, and memory has to stay flat."""
    from mallbots.demo import soak

    again = _again(context, "minutes", "rate", "seed")
    run(lambda: soak(minutes, rate, seed, json, again))


@app.command()
def up(
    only: Annotated[str, typer.Option(help="Some contexts, such as ordering,depot; all if not said.")] = "",
    observe: Annotated[
        bool, typer.Option("--observe", help="With Prometheus, Jaeger, Grafana and so on, as far as they are here.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Run and supervise all processes until Ctrl-C; say where each listens."""
    from mallbots.up import up

    run(lambda: up(data_directory(data), only, observe, json))


@app.command()
def observe(
    minutes: Annotated[float, typer.Option(help="How long customers come.")] = 10.0,
    rate: Annotated[float, typer.Option(help="How many a second.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same plan.")] = 1,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the run here; else a scratch directory is removed afterwards.")
    ] = None,
    json: Json = False,
) -> None:
    """`up --observe` with customers, and one trouble after the other to look at, until Ctrl-C."""
    from mallbots.tour import observe

    run(lambda: observe(minutes, rate, seed, data, json))


@app.command()
def flow(
    id: Annotated[str, typer.Argument(help="Of an order, an event, a correlation or a trace.")],
    data: Data = None,
    all: Annotated[bool, typer.Option("--all", help="Also who took note without acting.")] = False,
    json: Json = False,
) -> None:
    """What led to what, who handled it, and how long each hop took, as a causal tree."""
    from mallbots.flow import flow

    run(lambda: flow(data_directory(data), id, json, all))


@events_app.command()
def tail(
    context: Annotated[str, typer.Option(help="Of one context only.")] = "",
    type: Annotated[str, typer.Option(help="Such as OrderApproved, 'Order*' or 'depot.*'.")] = "",
    start: Annotated[str, typer.Option("--from", help="start, new, or a sequence.")] = "new",
    follow: Annotated[bool, typer.Option(help="Go on with what comes; or end with what is there.")] = True,
    data: Data = None,
    json: Json = False,
) -> None:
    """Events as they are published, or from a place in the log."""
    from mallbots.events import tail

    run(lambda: tail(data_directory(data), context, type, start, follow, json))


@app.command()
def replay(
    group: Annotated[str, typer.Argument(help="The subscriber group, such as baskets.")],
    start: Annotated[str, typer.Option("--from", help="start, or the first sequence to be applied again.")] = "",
    source: Annotated[str, typer.Option(help="Only what this context said.")] = "",
    again_with_effects: Annotated[
        bool, typer.Option("--again-with-effects", help="Also what is no projection; see what comes again without it.")
    ] = False,
    passed_over: Annotated[
        bool,
        typer.Option("--passed-over", help="What the group let go by before it listened to it, for the first time."),
    ] = False,
    leave: Annotated[
        bool, typer.Option("--leave", help="With --passed-over: do not hear it, and say no more of it.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a projection anew from the log: its tables are emptied, and filled again in order."""
    from mallbots.replay import hear_passed_over, replay

    if not passed_over and not start:
        raise typer.BadParameter("Missing option '--from', or '--passed-over'")
    if passed_over:
        run(lambda: hear_passed_over(data_directory(data), group, leave, json))
    else:
        run(lambda: replay(data_directory(data), group, start, source, json, again_with_effects))


@app.command()
def lag(data: Data = None, json: Json = False) -> None:
    """Who is behind, by how many messages, by how long."""
    from mallbots.lag import lag

    run(lambda: lag(data_directory(data), json))


@app.command()
def sagas(
    state: Annotated[str, typer.Option(help="running, compensating, completed, failed or cancelled.")] = "",
    stuck: Annotated[bool, typer.Option("--stuck", help="Refused an undo or their end, and tried again.")] = False,
    asleep: Annotated[bool, typer.Option("--asleep", help="Neither ended nor with a next wake-up.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Processes that span contexts, where they are, and what keeps them from their end."""
    from mallbots.sagas import list_sagas

    run(lambda: list_sagas(data_directory(data), state, stuck, asleep, json))


@app.command()
def doctor(data: Data = None, json: Json = False) -> None:
    """Is everything there that MallBots needs, and does it work; if not, what to do."""
    from mallbots.doctor import doctor

    run(lambda: doctor(data_directory(data), json))


def _again(context: typer.Context, *names: str) -> str:
    """The command that was given, with those of its options that were given."""
    values = {name: context.params[name] for name in names if _was_given(context, name)}
    options = (f"--{name}" if value is True else f"--{name} {value}" for name, value in values.items())
    return " ".join((context.command_path, *options))


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def main() -> int:
    """The exit code. A wrong option is refused in one line, too."""
    try:
        return int(app(standalone_mode=False, prog_name="mallbots") or 0)
    except typer.TyperException as error:
        if reason := " ".join(error.format_message().split()):  # empty when help was shown instead
            typer.echo(f"mallbots: {reason}", err=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
