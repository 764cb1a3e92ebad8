"""`mallbots lost`: what was lost because a database went back, on which side, and how everybody goes on."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from mallbots.operators import DEADLINE_SECONDS, Operators, open_operators
from mallbots.reporting import counted, print_json
from mallbots_platform import operator_pb2 as pb


@dataclass(slots=True)
class Conversation:
    """`gone` are types that their source has lost and a stream still had; `applied` types by the group that has applied
    them. It `waits` until somebody has settled it."""

    id: str
    source: str
    gone: list[str] = field(default_factory=list)
    applied: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    waits: bool = False


async def list_lost(data: Path, as_json: bool) -> None:
    async with open_operators(data) as operators:
        partings, messages = await lost(operators)
    conversations = by_conversation(messages)
    if as_json:
        print_json(
            {"partings": [described(each) for each in partings], "conversations": [_as_json(c) for c in conversations]}
        )
    else:
        _show(partings, conversations)


async def settle_lost(data: Path, source: str, take_back: bool, as_json: bool) -> None:
    """Subscribers first, so that they know what they have applied when it is said again."""
    request = pb.SettleLostRequest(source=source, take_back=take_back)
    async with open_operators(data) as operators:
        operators.of(source)
        _, messages = await lost(operators)
        waiting = {each.message_id for each in messages if each.source == source and not each.settled_at}
        others = [context for context in operators.contexts if context != source]
        answers = [await operators.of(each).SettleLost(request, timeout=DEADLINE_SECONDS) for each in (*others, source)]
    taken_back = sum(each.taken_back for each in answers)
    if as_json:
        print_json({"source": source, "lost": len(waiting), "taken_back": taken_back})
    else:
        said = f", {counted(taken_back, 'event')} said again" if take_back else ""
        typer.echo(f"{counted(len(waiting), 'message')} lost by {source}{said}; everybody goes on from here")


async def lost(operators: Operators) -> tuple[list[pb.Parting], list[pb.LostMessage]]:
    """Streams that wait, and messages that are lost on either side, settled or not."""
    answers = (await operators.ask("ListLost", pb.ListLostRequest())).values()
    return [p for answer in answers for p in answer.partings], [m for answer in answers for m in answer.messages]


def by_conversation(messages: Iterable[pb.LostMessage]) -> list[Conversation]:
    found: dict[tuple[str, str], Conversation] = {}
    for each in messages:
        place = (each.source, each.correlation_id)
        conversation = found.setdefault(place, Conversation(each.correlation_id, each.source))
        conversation.waits = conversation.waits or not each.settled_at
        name = each.type.rpartition(".")[2]
        if each.group:
            conversation.applied[each.group].append(name)
        else:
            conversation.gone.append(name)
    return list(found.values())


def described(parting: pb.Parting) -> dict[str, Any]:
    return {
        "group": parting.group,
        "source": parting.source,
        "channel": parting.channel,
        "partition": parting.partition,
        "agreed_sequence": parting.agreed_sequence,
        "applied_sequence": parting.applied_sequence,
        "last_sequence": parting.last_sequence,
    }


def _as_json(conversation: Conversation) -> dict[str, Any]:
    return {
        "conversation": conversation.id,
        "source": conversation.source,
        "kept_aside": conversation.gone,
        "applied_by": dict(conversation.applied),
        "settled": not conversation.waits,
    }


def _show(partings: list[pb.Parting], conversations: list[Conversation]) -> None:
    for each in partings:
        agreed = each.agreed_sequence
        typer.echo(f"{each.group} waits in {each.source}.{each.channel} {each.partition}: both have up to {agreed}")
        typer.echo(f"  applied here, lost there: {_range(agreed, each.applied_sequence)}")
        typer.echo(f"  said there since, not heard here: {_range(agreed, each.last_sequence)}")
    for conversation in conversations:
        typer.echo(f"{conversation.id}  lost by {conversation.source}{'' if conversation.waits else ', settled'}")
        if conversation.gone:
            typer.echo(f"  kept aside: {', '.join(conversation.gone)}")
        for group, types in conversation.applied.items():
            typer.echo(f"  applied by {group}: {', '.join(types)}")
    if not (partings or conversations):
        typer.echo("nothing was lost")
    for source in sorted({each.source for each in conversations if each.waits} | {each.source for each in partings}):
        typer.echo(f"\nsettle it with one of\n  mallbots lost go-on {source}      # what was lost stays lost")
        typer.echo(f"  mallbots lost take-back {source}  # say its lost events again, as far as streams still had them")


def _range(after: int, last: int) -> str:
    if last <= after:
        return "nothing"
    return f"{after + 1}" if last == after + 1 else f"{after + 1} to {last}"
