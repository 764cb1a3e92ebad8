"""`mallbots up`: all processes, or some, until told to stop."""

import asyncio
import contextlib
from pathlib import Path

from rich.table import Table

from mallbots.directories import CONTEXTS
from mallbots.reporting import Failed, open_console, print_json
from mallbots.supervisor import supervised
from mallbots_platform.endpoints import Endpoint


async def up(data: Path, only: str, as_json: bool) -> None:
    """Ctrl-C and SIGTERM are its regular end."""
    contexts, console = chosen(only), open_console(stderr=True)
    with contextlib.suppress(asyncio.CancelledError):
        async with contextlib.AsyncExitStack() as stack:
            with console.status(f"starting {', '.join(contexts)}"):
                running = await stack.enter_async_context(
                    supervised(data, contexts, report=lambda text: console.print(f"mallbots: {text}", soft_wrap=True))
                )
            if as_json:
                print_json({"ready": True, "services": services(running.endpoints)})
            else:
                _show(data, running.endpoints, running.redis_url)
            await asyncio.Event().wait()


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


def _show(data: Path, endpoints: dict[str, Endpoint], redis_url: str) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("context", "gRPC", "metrics", "operator"):
        table.add_column(title)
    for context, at in services(endpoints).items():
        table.add_row(context, at["grpc"], at["metrics"], at["operator"])
    console = open_console()
    console.print(table)
    console.print(f"Redis {redis_url} · data and logs in {data} · Ctrl-C stops everything", soft_wrap=True)
