"""Commands that come in groups: what was set aside, what was lost, faults."""

from pathlib import Path
from typing import Annotated

import typer

from mallbots.directories import VARIABLE, data_directory
from mallbots.reporting import run

parked_app = typer.Typer(help="What was set aside, and what to do with it.", no_args_is_help=True)
lost_app = typer.Typer(help="What was lost because a database went back, and how all go on.", no_args_is_help=True)
fault_app = typer.Typer(help="Faults to be switched on while it runs.", no_args_is_help=True)

Data = Annotated[
    Path | None, typer.Option("--data", envvar=VARIABLE, help="Where the run keeps its things; .mallbots if not said.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
FaultName = Annotated[str, typer.Argument(help="As `fault list` writes it, such as slow-handler.")]
FaultContext = Annotated[str, typer.Option(help="Of one context only; of all that know it if not said.")]
Source = Annotated[str, typer.Argument(help="The context whose database went back, such as ordering.")]
Name = Annotated[str, typer.Argument(help="As `parked list` writes it, such as ordering:3.")]


@parked_app.command("list")
def list_parked(
    group: Annotated[str, typer.Option(help="Of one subscriber group only.")] = "",
    state: Annotated[str, typer.Option(help="waiting, queued, newer or dead.")] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """What is set aside, oldest first."""
    from mallbots.parked import list_parked

    run(lambda: list_parked(data_directory(data), group, state, json))


@parked_app.command("show")
def show_parked(name: Name, data: Data = None, json: Json = False) -> None:
    """One message, whole."""
    from mallbots.parked import show_parked

    run(lambda: show_parked(data_directory(data), name, json))


@parked_app.command("retry")
def retry_parked(
    name: Name = "",
    group: Annotated[str, typer.Option(help="All dead ones of this group.")] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Try again at once, at the front of its key."""
    from mallbots.parked import retry_parked

    run(lambda: retry_parked(data_directory(data), name, group, json))


@parked_app.command("discard")
def discard_parked(
    name: Name = "",
    group: Annotated[str, typer.Option(help="All of this subscriber group.")] = "",
    type: Annotated[str, typer.Option(help="All of this type, such as ordering.OrderApproved.")] = "",
    error: Annotated[str, typer.Option(help="All whose error contains this text.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Give them up; without it, several are only shown.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Give up on a message, or on all of a kind; what queued behind them goes on."""
    from mallbots.parked import discard_parked

    run(lambda: discard_parked(data_directory(data), name, json, group=group, type=type, error=error, yes=yes))


@lost_app.command("list")
def list_lost(data: Data = None, json: Json = False) -> None:
    """What was lost on which side, per conversation; what waits to be settled, and what was."""
    from mallbots.lost import list_lost

    run(lambda: list_lost(data_directory(data), json))


@lost_app.command("go-on")
def go_on(source: Source, data: Data = None, json: Json = False) -> None:
    """Go on from here: what that context has lost stays lost, and its subscribers hear what it says now."""
    from mallbots.lost import settle_lost

    run(lambda: settle_lost(data_directory(data), source, False, json))


@lost_app.command("take-back")
def take_back(source: Source, data: Data = None, json: Json = False) -> None:
    """Go on from here, and let that context say its lost events again, as far as streams still had them."""
    from mallbots.lost import settle_lost

    run(lambda: settle_lost(data_directory(data), source, True, json))


@fault_app.command("list")
def list_faults(data: Data = None, json: Json = False) -> None:
    """Which faults there are, and where one is on."""
    from mallbots.faults import list_faults

    run(lambda: list_faults(data_directory(data), json))


@fault_app.command("on")
def fault_on(
    name: FaultName,
    context: FaultContext = "",
    seconds: Annotated[float, typer.Option("--for", help="Seconds after which it switches itself off.")] = 30.0,
    strength: Annotated[float | None, typer.Option(help="What `fault list` says it means.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Switch a fault on, for a while."""
    from mallbots.faults import switch_fault

    run(lambda: switch_fault(data_directory(data), name, context, True, seconds, strength, json))


@fault_app.command("off")
def fault_off(name: FaultName, context: FaultContext = "", data: Data = None, json: Json = False) -> None:
    """Switch a fault off before its time."""
    from mallbots.faults import switch_fault

    run(lambda: switch_fault(data_directory(data), name, context, False, 0.0, None, json))
