"""Processes that stand still, as those of a paused machine do: their kernel still answers for them."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg


def backends_of(url: str) -> list[int]:
    """Of everybody who is connected to that database, but who asks."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [int(pid) for (pid,) in rows]


def server_of(url: str) -> list[int]:
    """The server itself, and all that it has started."""
    with psycopg.connect(url) as connection:
        [(directory,)] = connection.execute("SHOW data_directory")
    first = int(Path(directory, "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [first, *map(int, children)]


@contextlib.contextmanager
def frozen(pids: Iterable[int]) -> Iterator[None]:
    stopped = list(pids)
    try:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
