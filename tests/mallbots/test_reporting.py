import asyncio
import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import typer
from rich.table import Table

from mallbots.reporting import WIDE, Failed, Misused, one_line, open_console, plain, print_json, run
from mallbots_platform.errors import NotFound, Unavailable
from tests.support.mall import environment
from tests.support.names import NAMES

Work = Callable[[], Coroutine[Any, Any, None]]


def test_what_ends_well_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None: ...

    run(work)

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "error, code, said",
    [
        (Failed("there is no such order"), 1, "there is no such order"),
        (Failed("first line\n  second   line"), 1, "first line second line"),
        (Misused("no such fault"), 2, "no such fault"),
        (NotFound("order", "1"), 1, "no order has the id '1'"),
        (Unavailable("stores is away"), 1, "stores is away"),
        (OSError(errno.EACCES, "Permission denied", "/var/data"), 1, "/var/data: Permission denied"),
        (OSError("the disk is full"), 1, "the disk is full"),
        (sqlite3.DatabaseError("file is not a database"), 1, "file is not a database"),
    ],
)
def test_a_failure_is_one_line_and_a_code(
    error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(error)) == code

    assert capsys.readouterr() == ("", f"mallbots: {said}\n")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_work_clean_up(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    cleaned = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    assert exit_code(work) == 128 + number
    assert cleaned == [True]
    assert capsys.readouterr().err == "mallbots: interrupted\n"


def test_a_second_signal_does_not_cut_the_cleaning_short(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(os.getpid(), number)
                await asyncio.sleep(0.01)
            cleaned.append(True)

    assert exit_code(work) == 130
    assert cleaned == [True]
    assert capsys.readouterr().err == "mallbots: stopping, a moment\n" * 2 + "mallbots: interrupted\n"


def test_work_may_take_a_signal_as_its_regular_end(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    run(work)

    assert capsys.readouterr() == ("", "")


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run(work)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGHUP) is before


@pytest.mark.parametrize("writing", ["print_json(list(range(20_000)))", "open_console().print('x' * 100_000)"])
def test_a_reader_that_has_seen_enough_is_no_failure(writing: str) -> None:
    program = f"""
import sys, typer
from mallbots.reporting import open_console, print_json, run

async def work():
    while True:
        {writing}

try:
    run(work)
except typer.Exit as left:
    sys.exit(left.exit_code)
"""
    writer = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert writer.stdout and writer.stderr

    seen = writer.stdout.read(10)
    writer.stdout.close()
    said = writer.stderr.read()
    writer.stderr.close()

    assert len(seen) == 10
    assert said == b""
    assert writer.wait(30) == 0


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zoë\nBerg", "orders": [1, 2]})

    assert capsys.readouterr().out == '{"name":"Zoë\\nBerg","orders":[1,2]}\n'


def test_a_file_is_wide_enough_to_break_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = open_console()

    console.print("x" * (WIDE - 1))

    assert capsys.readouterr().out == "x" * (WIDE - 1) + "\n"


def test_an_error_without_a_text_has_its_name() -> None:
    assert one_line(KeyError()) == "KeyError"


def raising(error: Exception) -> Work:
    async def work() -> None:
        raise error

    return work


def exit_code(work: Work) -> int:
    with pytest.raises(typer.Exit) as left:
        run(work)
    return left.value.exit_code


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_stand_in_a_table_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(box=None)
    table.add_row(plain(name), plain("after"))

    open_console().print(table)

    said = capsys.readouterr().out
    assert name in said and said.rstrip().endswith("after")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("[red]no markup[/] [/b] :bell:", "[red]no markup[/] [/b] :bell:"),
        ("an escape \x1b[2J, a bell \x07", "an escape U+001B[2J, a bell U+0007"),
        ("an override \u202e", "an override U+202E"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_text_of_others_moves_nothing_on_the_screen(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_console().print(plain(text))

    assert capsys.readouterr().out == f"{shown}\n"
