"""`mallbots parked`: what was set aside, and what to do with it. Named `<context>:<number>`."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.reporting import Failed, counted, open_console, plain, print_json
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import rfc3339
from mallbots_platform.errors import NotFound

STATES = ("waiting", "queued", "newer", "dead")
AT_ONCE = 200


async def list_parked(data: Path, group: str, state: str, as_json: bool) -> None:
    if state and state not in STATES:
        raise Failed(f"--state is {state!r}, must be one of {', '.join(STATES)}")
    async with open_operators(data) as operators:
        found = [described(context, parked) for context, parked in await operators.parked(group, state)]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("nothing is set aside")
    else:
        _show(found)


async def show_parked(data: Path, name: str, as_json: bool) -> None:
    context, id = named(name)
    async with open_operators(data) as operators:
        request = pb.ListParkedRequest(after_id=id - 1, limit=1)
        answer = await operators.of(context).ListParked(request, timeout=DEADLINE_SECONDS)
    found = [parked for parked in answer.parked if parked.id == id]
    if not found:
        raise NotFound("parked message", name)
    whole = described(context, found[0]) | {"envelope": envelope_of(found[0])}
    if as_json:
        print_json(whole)
    else:
        typer.echo(json.dumps(whole, indent=2, ensure_ascii=False))


async def retry_parked(data: Path, name: str, group: str, as_json: bool) -> None:
    """One message, or all dead ones of a group."""
    if bool(name) == bool(group):
        raise Failed("say which: one message, such as ordering:3, or --group for all dead ones of a group")
    context, id = named(name) if name else (group.partition(".")[0], 0)
    async with open_operators(data) as operators:
        request = pb.RetryParkedRequest(id=id, group=group)
        answer = await operators.of(context).RetryParked(request, timeout=DEADLINE_SECONDS)
    if as_json:
        print_json({"retried": answer.retried})
    else:
        typer.echo(f"{answer.retried} will be tried again at once")


async def discard_parked(
    data: Path, name: str, as_json: bool, *, group: str = "", type: str = "", error: str = "", yes: bool = False
) -> None:
    """One message; or all of a group, a type or an error, after a look at them."""
    if bool(name) == bool(group or type or error):
        raise Failed("say which: one message, such as ordering:3, or all with --group, --type or --error")
    if name:
        await _discard_one(data, name, as_json)
        return
    async with open_operators(data) as operators:
        found = [(context, each) for context, each in await operators.parked(group) if _is_meant(each, type, error)]
        if not yes:
            return _preview(found, as_json)
        discarded = await _discard(operators, found)
    if as_json:
        print_json({"discarded": discarded})
    else:
        typer.echo(f"{counted(len(discarded), 'message')} given up; what queued behind them goes on")


async def _discard_one(data: Path, name: str, as_json: bool) -> None:
    context, id = named(name)
    async with open_operators(data) as operators:
        await operators.of(context).DiscardParked(pb.DiscardParkedRequest(id=id), timeout=DEADLINE_SECONDS)
    if as_json:
        print_json({"discarded": name})
    else:
        typer.echo(f"{name} is given up; what queued behind it goes on")


def _is_meant(parked: pb.Parked, type: str, error: str) -> bool:
    return (not type or parked.type == type) and error in parked.error


def _preview(found: list[tuple[str, pb.Parked]], as_json: bool) -> None:
    rows = [described(context, parked) for context, parked in found]
    if as_json:
        print_json({"would_discard": [row["name"] for row in rows]})
        return
    if rows:
        _show(rows)
    typer.echo(f"{counted(len(rows), 'message')} would be given up; with --yes they are" if rows else "there is none")


async def _discard(operators: Operators, found: list[tuple[str, pb.Parked]]) -> list[str]:
    """The names of those that were meant."""
    for context in sorted({context for context, _ in found}):
        ids = [parked.id for of, parked in found if of == context]
        for start in range(0, len(ids), AT_ONCE):
            request = pb.DiscardParkedRequest(ids=ids[start : start + AT_ONCE])
            await operators.of(context).DiscardParked(request, timeout=DEADLINE_SECONDS)
    return [f"{context}:{parked.id}" for context, parked in found]


def named(name: str) -> tuple[str, int]:
    """Context and number. Raises Failed."""
    context, _, number = name.rpartition(":")
    if not context or not number.isascii() or not number.isdigit() or not 1 <= int(number) < 1 << 63:
        raise Failed(f"{name!r} names no parked message: write it as `parked list` does, such as ordering:3")
    return context, int(number)


def described(context: str, parked: pb.Parked) -> dict[str, Any]:
    return {
        "name": f"{context}:{parked.id}",
        "group": parked.group,
        "state": parked.state,
        "type": parked.type,
        "subject": parked.subject,
        "message_id": parked.message_id,
        "source": parked.source,
        "channel": parked.channel,
        "partition": parked.partition,
        "sequence": parked.sequence,
        "attempts": parked.attempts,
        "parked_at": rfc3339(parked.parked_at),
        "due_at": rfc3339(parked.due_at) if parked.due_at else None,
        "error": parked.error,
    }


def envelope_of(parked: pb.Parked) -> Any:
    """As JSON when it is any, else as the text that it is."""
    text = parked.envelope.decode(errors="backslashreplace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("name", "group", "state", "type", "subject", "attempts", "next attempt", "error"):
        table.add_column(title, overflow="fold")
    for each in found:
        due = (each["due_at"] or "")[11:19]
        row = (each["name"], each["group"], each["state"], each["type"], each["subject"], str(each["attempts"]))
        table.add_row(*map(plain, (*row, due, each["error"])))
    open_console().print(table)
