"""`mallbots up`: all processes, or some, until told to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mallbots.directories import CONTEXTS
from mallbots.observe.links import as_json, show_stack
from mallbots.observe.stack import PROGRAMS, Stack, observing
from mallbots.reporting import Failed, open_console, print_json
from mallbots.supervisor import Supervisor, supervised
from mallbots_platform.endpoints import Endpoint


async def up(data: Path, only: str, observe: bool, json_wanted: bool) -> None:
    """Ctrl-C and SIGTERM are its regular end."""
    contexts, console = chosen(only), open_console(stderr=True)
    with contextlib.suppress(asyncio.CancelledError):
        async with opened(data, contexts, console, observe=observe) as (running, stack):
            tell(data, running, stack, json_wanted)
            await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def opened(
    data: Path,
    contexts: tuple[str, ...],
    console: Console,
    environ: Mapping[str, str] | None = None,
    *,
    observe: bool = False,
) -> AsyncIterator[tuple[Supervisor, Stack]]:
    """The mall, and what shows it, if that is wanted: that comes first and goes last, so that it sees all."""

    def say(text: str) -> None:
        console.print(f"mallbots: {text}", soft_wrap=True, markup=False)

    async with (
        observing(data, contexts, say, PROGRAMS if observe else ()) as stack,
        contextlib.AsyncExitStack() as mall,
    ):
        with console.status(f"starting {', '.join(contexts)}"):
            running = await mall.enter_async_context(supervised(data, contexts, environ, say, beside=stack.start))
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


def tell(data: Path, running: Supervisor, stack: Stack, json_wanted: bool) -> None:
    if json_wanted:
        print_json({"ready": True, "services": services(running.endpoints)} | as_json(stack))
    else:
        _show(data, running, stack)


def _show(data: Path, running: Supervisor, stack: Stack) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("context", "gRPC", "metrics", "operator"):
        table.add_column(title)
    for context, at in services(running.endpoints).items():
        table.add_row(context, at["grpc"], at["metrics"], at["operator"])
    console = open_console()
    console.print(table)
    show_stack(stack, console)
    console.print(f"Redis {running.redis.url} · data and logs in {data} · Ctrl-C stops everything", soft_wrap=True)
