"""`mallbots up`: all processes, or some, until told to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mallbots.directories import CONTEXTS
from mallbots.observe.links import as_json, show_stack
from mallbots.observe.stack import Stack, observing
from mallbots.reporting import Failed, open_console, print_json
from mallbots.supervisor import Supervisor, supervised
from mallbots_platform.endpoints import Endpoint


async def up(data: Path, only: str, observe: bool, json_wanted: bool) -> None:
    """Ctrl-C and SIGTERM are its regular end."""
    contexts, console = chosen(only), open_console(stderr=True)
    with contextlib.suppress(asyncio.CancelledError):
        async with opened(data, contexts, observe, console) as (running, stack):
            if json_wanted:
                told = {"ready": True, "services": services(running.endpoints)}
                print_json(told | (as_json(stack) if stack else {}))
            else:
                show(data, running, stack)
            await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def opened(
    data: Path,
    contexts: tuple[str, ...],
    observe: bool,
    console: Console,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Supervisor, Stack | None]]:
    """The mall; and what shows it, if that is wanted: it comes first and goes last, so that it sees all."""

    def say(text: str) -> None:
        console.print(f"mallbots: {text}", soft_wrap=True, markup=False)

    async with contextlib.AsyncExitStack() as opening:
        stack = await opening.enter_async_context(observing(data, contexts, say)) if observe else None
        with console.status(f"starting {', '.join(contexts)}"):
            beside = stack.start if stack else None
            running = await opening.enter_async_context(supervised(data, contexts, environ, say, beside=beside))
        yield running, stack


def chosen(only: str) -> tuple[str, ...]:
    """The contexts named in `a,b`; all of them when it is empty. Raises Failed."""
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in CONTEXTS]:
        raise Failed(f"there is no context {unknown[0]!r}: choose from {', '.join(CONTEXTS)}")
    return tuple(dict.fromkeys(wanted)) or CONTEXTS


def services(endpoints: dict[str, Endpoint]) -> dict[str, dict[str, str]]:
    return {
        context: {"grpc": at.grpc, "metrics": f"http://{at.metrics}/metrics", "operator": at.operator}
        for context, at in endpoints.items()
    }


def show(data: Path, running: Supervisor, stack: Stack | None) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("context", "gRPC", "metrics", "operator"):
        table.add_column(title)
    for context, at in services(running.endpoints).items():
        table.add_row(context, at["grpc"], at["metrics"], at["operator"])
    console = open_console()
    console.print(table)
    if stack:
        show_stack(stack, console)
    console.print(f"Redis {running.redis_url} · data and logs in {data} · Ctrl-C stops everything", soft_wrap=True)
