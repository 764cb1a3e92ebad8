"""`mallbots events tail`: what is being said, as it is said, out of the logs of the contexts that say it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from mallbots.operators import DEADLINE_SECONDS, PAGE, Operators, open_operators
from mallbots.reporting import Failed, one_line, open_console, plain, print_json
from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import rfc3339
from mallbots_platform.errors import Unavailable

PAUSE_SECONDS = 0.2
THE_END = (1 << 63) - 1
EVENTS = "events"


async def tail(data: Path, context: str, type: str, start: str, follow: bool, as_json: bool) -> None:
    """`start` is `start`, `new`, or a sequence: that of the first event to be shown, of each partition."""
    async with open_operators(data) as operators:
        cursor = await open_cursor(operators, [context] if context else operators.contexts, start)
        show = print_json if as_json else _printer()
        with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C is the regular end
            async for entry in _entries(cursor, follow and bool(operators.running)):
                if matches(entry, type):
                    show(described(entry))


async def _entries(cursor: "Cursor", follow: bool) -> AsyncIterator[pb.LogEntry]:
    """Without end when it follows; a process that is away for a while is waited for."""
    while True:
        try:
            entries = await cursor.next()
        except Unavailable as error:
            if not follow:
                raise
            typer.echo(f"mallbots: waiting: {one_line(error)}", err=True)
            await asyncio.sleep(1.0)
            continue
        for entry in entries:
            yield entry
        if not entries:
            if not follow:
                return
            await asyncio.sleep(PAUSE_SECONDS)


class Cursor:
    """How far each partition of each context has been read."""

    def __init__(self, operators: Operators, after: dict[tuple[str, int], int]) -> None:
        self._operators = operators
        self._after = after

    async def next(self) -> list[pb.LogEntry]:
        """What is new, at most a page of each partition, in the order of its commits."""
        pages = await asyncio.gather(*(self._page(*place) for place in self._after))
        entries = [entry for page in pages for entry in page]
        for entry in entries:
            place = (entry.source, entry.partition)
            self._after[place] = max(self._after[place], entry.sequence)
        return sorted(entries, key=lambda entry: entry.committed_at)

    async def _page(self, context: str, partition: int) -> Iterable[pb.LogEntry]:
        after = self._after[context, partition]
        request = pb.ReadLogRequest(channel=EVENTS, partition=partition, after_sequence=after, limit=PAGE)
        answer = await self._operators.of(context).ReadLog(request, timeout=DEADLINE_SECONDS)
        return list(answer.entries)


async def open_cursor(operators: Operators, contexts: Iterable[str], start: str) -> Cursor:
    first = first_sequence(start)
    after: dict[tuple[str, int], int] = {}
    for context in contexts:
        for partition in range(await operators.partitions(context)):
            after[context, partition] = first - 1 if first else await _last_sequence(operators, context, partition)
    return Cursor(operators, after)


def first_sequence(start: str) -> int:
    """0 stands for what is new only. Raises Failed."""
    if start == "new":
        return 0
    if start == "start":
        return 1
    if not start.isascii() or not start.isdigit() or not 1 <= int(start) < THE_END:
        raise Failed(f"--from is {start!r}, must be start, new or a sequence from 1 on")
    return int(start)


async def _last_sequence(operators: Operators, context: str, partition: int) -> int:
    request = pb.ReadLogRequest(channel=EVENTS, partition=partition, after_sequence=THE_END, limit=1)
    answer = await operators.of(context).ReadLog(request, timeout=DEADLINE_SECONDS)
    return int(answer.last_sequence)


def matches(entry: pb.LogEntry, pattern: str) -> bool:
    """With its context or without it, `*` for anything: `ordering.*`, `OrderApproved`, `Order*`."""
    return not pattern or fnmatchcase(entry.type, pattern) or fnmatchcase(entry.type.partition(".")[2], pattern)


def described(entry: pb.LogEntry) -> dict[str, Any]:
    envelope = json.loads(entry.envelope or b"{}")
    return {
        "time": rfc3339(entry.committed_at),
        "source": entry.source,
        "partition": entry.partition,
        "sequence": entry.sequence,
        "type": entry.type,
        "id": entry.message_id,
        "subject": entry.subject,
        "correlation_id": entry.correlation_id,
        "causation_id": entry.causation_id,
        "trace_id": entry.trace_id,
        "data": envelope.get("data"),
    }


def _printer() -> Any:
    console = open_console()

    def show(event: dict[str, Any]) -> None:
        text = Text(event["time"][11:23], style="dim")
        text.append(f"  {event['source']:>9} {event['partition']}-{event['sequence']:<6}")
        text.append(f" {event['type'].partition('.')[2]:<26}", style="bold")
        text.append(plain(f" {event['subject']}  "))
        text.append(plain(json.dumps(event["data"], ensure_ascii=False), "dim"))
        console.print(text, soft_wrap=True)

    return show
