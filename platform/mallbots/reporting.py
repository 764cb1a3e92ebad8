"""How a command ends: quietly, or with one line that says why not."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from mallbots_platform.errors import PlatformError
from mallbots_platform.validation import GARBLING, code_point

WIDE = 200
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Work = Callable[[], Coroutine[Any, Any, None]]


class Failed(Exception):
    """The command cannot do what it was asked to; the text is the reason, for a person."""

    code = 1


class Misused(Failed):
    """It was asked for something that there is not."""

    code = 2


def run(work: Work) -> None:
    """Run a command to its end. Exit 1 with a reason on standard error when it fails."""
    told: list[signal.Signals] = []
    try:
        asyncio.run(_until_told(work, told))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("mallbots: interrupted", err=True)
        raise typer.Exit(128 + (told[0] if told else signal.SIGINT)) from None
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except (PlatformError, Failed, OSError, sqlite3.Error) as error:
        typer.echo(f"mallbots: {one_line(error)}", err=True)
        raise typer.Exit(getattr(error, "code", 1)) from None


async def _until_told(work: Work, told: list[signal.Signals]) -> None:
    """The first of the SIGNALS cancels the work, so that whatever it has started is stopped; `told` keeps which.

    A second one must not cut that short: it would leave processes behind.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        if told:
            typer.echo("mallbots: stopping, a moment", err=True)
        elif task:
            task.cancel()
        told.append(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, partial(end, number))
    await work()


class _Output(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def open_console(*, stderr: bool = False) -> Console:
    """As wide as the terminal; into a file or a pipe, wide enough to break no line."""
    console = _Output(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


def one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def plain(text: str, style: str = "") -> Text:
    """As it stands, for text that is not ours: it holds no markup, and what would garble the terminal shows as its
    code point; lines stay lines."""
    return Text(GARBLING.sub(lambda found: found[0] if found[0] == "\n" else code_point(found[0]), text), style)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 order`, `2 orders`; `many` where no s will do."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def print_json(value: object) -> None:
    """One line, at once, so that a reader at the other end of a pipe can act on it."""
    typer.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()
