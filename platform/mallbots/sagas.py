"""`mallbots sagas`: processes that span contexts, where they are, and what keeps them from their end."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from mallbots.operators import Operators, open_operators
from mallbots.reporting import Failed, open_console, plain, print_json
from mallbots_platform import operator_pb2 as pb

MOST = 1000
STUCK, ASLEEP = "stuck", "asleep"


async def list_sagas(data: Path, state: str, stuck: bool, asleep: bool, as_json: bool) -> None:
    if stuck and asleep:
        raise Failed("say one of --stuck and --asleep")
    async with open_operators(data) as operators:
        found = await sagas(operators, trouble=STUCK if stuck else ASLEEP if asleep else "", state=state)
    if as_json:
        print_json([described(each) for each in found])
    elif not found:
        typer.echo("there is no such process")
    else:
        _show(found)


async def sagas(operators: Operators, *, trouble: str = "", state: str = "") -> list[pb.SagaState]:
    """The newest of each context; `trouble` is STUCK or ASLEEP."""
    request = pb.ListSagasRequest(trouble=trouble, state=state, limit=MOST)
    answers = await operators.ask("ListSagas", request)
    return [each for answer in answers.values() for each in answer.sagas]


def described(saga: pb.SagaState) -> dict[str, str]:
    return {
        "saga": saga.saga,
        "id": key_of(saga),
        "state": saga.state,
        "step": saga.step,
        "refusal": saga.refusal,
        "awaiting": saga.awaiting,
    }


def key_of(saga: pb.SagaState) -> str:
    """What it is about, such as an order."""
    return saga.id.removeprefix(f"{saga.saga}:")


def _show(found: Sequence[pb.SagaState]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("saga", "about", "state", "step", "refused, and tried again"):
        table.add_column(title, overflow="fold")
    for each in found:
        style = "red" if each.refusal else None
        table.add_row(each.saga, key_of(each), each.state, each.step, plain(each.refusal), style=style)
    open_console().print(table)
