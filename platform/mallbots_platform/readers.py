"""Threads that read the database while the writer writes; each has a connection of its own."""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mallbots_platform.database import Database
from mallbots_platform.pace import Pace

T = TypeVar("T")


class Readers:
    def __init__(self, database: Database, threads: int = 2) -> None:
        self._database = database
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        self._pace = Pace()
        self._under_way = 0
        self._reading_since: dict[int, float] = {}

    @property
    def at_work(self) -> list[tuple[int, float]]:
        """Each thread that reads now, and since when (by the monotonic clock)."""
        return list(self._reading_since.copy().items())

    @property
    def expected_seconds(self) -> float:
        """How long a read would wait that comes now. Where nothing moves on, as long again as nothing has."""
        before = self._under_way - self._threads + 1
        if before <= 0:
            return 0.0
        began = max((since for _, since in self.at_work), default=math.inf)
        return max(before * self._pace.seconds / self._threads, time.monotonic() - began)

    async def run(self, read: Callable[[], T]) -> T:
        """The result of `read`, which sees one consistent state. Raises Unavailable when the database is away. What
        is cancelled before its turn is not begun."""
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._consistently, read)
        finally:
            self._under_way -= 1

    def _consistently(self, read: Callable[[], T]) -> T:
        thread = threading.get_ident()
        self._reading_since[thread] = began = time.monotonic()
        try:
            with self._database.reading():
                return read()
        finally:
            del self._reading_since[thread]
            self._pace.took(1, time.monotonic() - began)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
