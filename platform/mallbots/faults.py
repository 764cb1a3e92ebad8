"""`mallbots fault`: make trouble in processes that run, and see in telemetry what comes of it. It ends by itself."""

import asyncio
from pathlib import Path

import typer
from rich.table import Table

from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.reporting import Misused, open_console, print_json
from mallbots_platform import operator_pb2 as pb

Known = dict[str, dict[str, pb.Fault]]


async def list_faults(data: Path, as_json: bool) -> None:
    async with open_operators(data) as operators:
        known = await known_faults(operators)
    if as_json:
        print_json([_described(context, fault) for context, faults in known.items() for fault in faults.values()])
    else:
        _show(known)


async def switch_fault(
    data: Path, name: str, context: str, on: bool, seconds: float, strength: float | None, as_json: bool
) -> None:
    """In one context, or in all that know it. Nothing is switched when one of them cannot."""
    async with open_operators(data) as operators:
        targets = _targets(await known_faults(operators), name, context)
        request = pb.SwitchFaultRequest(name=name, on=on, seconds=seconds, strength=strength)
        calls = [operators.of(target).SwitchFault(request, timeout=DEADLINE_SECONDS) for target in targets]
        switched = dict(zip(targets, await asyncio.gather(*calls), strict=True))
    if as_json:
        print_json([_described(target, answer.fault) for target, answer in switched.items()])
        return
    for target, answer in switched.items():
        state = f"on for {answer.fault.seconds_left:.0f} s" if answer.fault.seconds_left else "off"
        typer.echo(f"{name} is {state} in {target}")


async def known_faults(operators: Operators) -> Known:
    """By context and name, of the processes that run. Raises Misused when none does."""
    running = sorted(operators.running)
    if not running:
        raise Misused("no process is running: start them with `mallbots up`")
    answers = await operators.ask("ListFaults", pb.ListFaultsRequest(), running)
    return {context: {fault.name: fault for fault in answer.faults} for context, answer in answers.items()}


def _targets(known: Known, name: str, context: str) -> list[str]:
    names = sorted({fault for faults in known.values() for fault in faults})
    if name not in names:
        raise Misused(f"there is no fault {name!r}, only {', '.join(names)}")
    if context and context not in known:
        raise Misused(f"{context} is not running; running are {', '.join(known)}")
    targets = [each for each, faults in known.items() if name in faults and context in ("", each)]
    if not targets:
        raise Misused(f"{context} does not know the fault {name}; {name} is of {_owners(known, name)}")
    return targets


def _owners(known: Known, name: str) -> str:
    return ", ".join(context for context, faults in known.items() if name in faults)


def _described(context: str, fault: pb.Fault) -> dict[str, object]:
    return {
        "context": context,
        "fault": fault.name,
        "on": bool(fault.seconds_left),
        "seconds_left": round(fault.seconds_left, 1),
        "strength": fault.strength,
        "means": fault.means,
        "description": fault.description,
    }


def _show(known: Known) -> None:
    table = Table("fault", "what it does", "strength", "known to", "on in", box=None)
    for name in sorted({fault for faults in known.values() for fault in faults}):
        owners = {context: faults[name] for context, faults in known.items() if name in faults}
        fault = next(iter(owners.values()))
        strength = f"{fault.strength:g} {fault.means}" if fault.means else ""
        on = [f"{context} ({each.seconds_left:.0f} s)" for context, each in owners.items() if each.seconds_left]
        everybody = "all" if len(owners) == len(known) else ", ".join(owners)
        table.add_row(name, fault.description, strength, everybody, ", ".join(on))
    open_console().print(table)
