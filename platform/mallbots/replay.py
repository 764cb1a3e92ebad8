"""`mallbots replay GROUP`: let a group apply what it has read already once more, from a sequence on."""

from pathlib import Path

import typer

from mallbots.events import first_sequence
from mallbots.operators import DEADLINE_SECONDS, open_operators
from mallbots.reporting import Failed, counted, print_json
from mallbots_platform import operator_pb2 as pb


async def replay(
    data: Path, group: str, start: str, source: str, as_json: bool, again_with_effects: bool = False
) -> None:
    if start == "new":
        raise Failed("--from is 'new', must be start or a sequence: what is new is applied anyhow")
    first = first_sequence(start)
    async with open_operators(data) as operators:
        request = pb.ReplayRequest(
            group=group, source=source, from_sequence=first, again_with_effects=again_with_effects
        )
        answer = await operators.of(group.partition(".")[0]).Replay(request, timeout=DEADLINE_SECONDS)
    if as_json:
        print_json({"group": group, "messages": answer.messages, "emptied": list(answer.emptied)})
    else:
        anew = f"; made anew: {', '.join(answer.emptied)}" if answer.emptied else ""
        typer.echo(f"{group} applies {counted(answer.messages, 'message')} again{anew}")
        typer.echo("`mallbots lag` shows how far it is")


async def hear_passed_over(data: Path, group: str, leave: bool, as_json: bool) -> None:
    """What it let go by before it listened to it: for the first time, so nothing comes again."""
    async with open_operators(data) as operators:
        request = pb.HearPassedOverRequest(group=group, leave=leave)
        answer = await operators.of(group.partition(".")[0]).HearPassedOver(request, timeout=DEADLINE_SECONDS)
    told = counted(answer.messages, "message")
    if as_json:
        print_json({"group": group, "messages": answer.messages, "gone": answer.gone})
    elif leave:
        typer.echo(f"{group} leaves {told}")
    else:
        gone = f"; {counted(answer.gone, 'message')} more are gone from their source's log" if answer.gone else ""
        typer.echo(f"{group} applies {told} that it has passed over{gone}")
