"""Threads that read the database while the writer writes; each has a connection of its own."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mallbots_platform.database import Database

T = TypeVar("T")


class Readers:
    def __init__(self, database: Database, threads: int = 2) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._reading_since: dict[int, float] = {}

    @property
    def at_work(self) -> list[tuple[int, float]]:
        """Each thread that reads now, and since when (by the monotonic clock)."""
        return list(self._reading_since.copy().items())

    async def run(self, read: Callable[[], T]) -> T:
        """The result of `read`, which sees one consistent state. Raises Unavailable when the database is away."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._consistently, read)

    def _consistently(self, read: Callable[[], T]) -> T:
        thread = threading.get_ident()
        self._reading_since[thread] = time.monotonic()
        try:
            with self._database.reading():
                return read()
        finally:
            del self._reading_since[thread]

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
