"""`mallbots lag`: who is behind, by how many messages, by how long."""

from collections import defaultdict
from pathlib import Path

from rich.table import Table

from mallbots.operators import Operators, open_operators
from mallbots.reporting import Failed, open_console, print_json
from mallbots_platform import operator_pb2 as pb

Place = tuple[str, str, str]


async def lag(data: Path, as_json: bool) -> None:
    async with open_operators(data) as operators:
        found = await lags(operators)
    if as_json:
        print_json([described(each) for each in found])
    else:
        _show(found)


async def lags(operators: Operators) -> list[pb.Lag]:
    """Raises Failed when no process runs that could be behind."""
    if not operators.running:
        raise Failed("nothing runs here, so nobody is behind: start `mallbots up` first")
    answers = await operators.ask("GetLag", pb.GetLagRequest(), sorted(operators.running))
    return [each for answer in answers.values() for each in answer.lags]


def described(lag: pb.Lag) -> dict[str, str | int | float]:
    return {
        "group": lag.group,
        "source": lag.source,
        "channel": lag.channel,
        "partition": lag.partition,
        "last_sequence": lag.last_sequence,
        "applied_sequence": lag.applied_sequence,
        "behind_events": lag.behind_events,
        "behind_seconds": round(lag.behind_seconds, 3),
        "newer": lag.newer,
    }


def by_place(lags: list[pb.Lag]) -> dict[Place, list[pb.Lag]]:
    """Partitions in their order, under the group and the channel they belong to."""
    places: dict[Place, list[pb.Lag]] = defaultdict(list)
    for each in sorted(lags, key=lambda lag: (lag.group, lag.source, lag.channel, lag.partition)):
        places[each.group, each.source, each.channel].append(each)
    return places


def _show(lags: list[pb.Lag]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("group", "source", "channel", "applied", "behind", "by seconds", "per partition", "newer"):
        table.add_column(title, justify="right" if title in ("applied", "behind", "by seconds", "newer") else "left")
    for (group, source, channel), partitions in by_place(lags).items():
        newer = sum(each.newer for each in partitions)
        behind = sum(each.behind_events for each in partitions)
        table.add_row(
            *(group, source, channel),
            f"{sum(each.applied_sequence for each in partitions)}",
            f"{behind}",
            f"{max(each.behind_seconds for each in partitions):.1f}",
            " ".join(str(each.behind_events) for each in partitions),
            f"{newer or ''}",
            style="yellow" if behind or newer else None,
        )
    open_console().print(table)
