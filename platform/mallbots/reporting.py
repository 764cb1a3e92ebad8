"""How a command ends: quietly, or with one line that says why not."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import typer
from rich.console import Console

from mallbots_platform.errors import PlatformError

WIDE = 200


class Failed(Exception):
    """The command cannot do what it was asked to; the text is the reason, for a person."""


def run(work: Callable[[], Coroutine[Any, Any, bool | None]]) -> None:
    """Run a command to its end. Exit 1 with a reason on standard error when it fails, or answers False."""
    try:
        succeeded = asyncio.run(_until_told(work))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except asyncio.CancelledError:
        raise typer.Exit(143) from None
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except (PlatformError, Failed, OSError) as error:
        typer.echo(f"mallbots: {one_line(error)}", err=True)
        raise typer.Exit(1) from None
    if succeeded is False:
        raise typer.Exit(1)


async def _until_told(work: Callable[[], Coroutine[Any, Any, bool | None]]) -> bool | None:
    """SIGTERM cancels the work, as Ctrl-C does, so that whatever it has started is stopped."""
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work()


def open_console(*, stderr: bool = False) -> Console:
    """As wide as the terminal; into a file or a pipe, wide enough to break no line."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def print_json(value: object) -> None:
    """One line, at once, so that a reader at the other end of a pipe can act on it."""
    typer.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()
