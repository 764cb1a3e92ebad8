"""Threads that read the database while the writer writes; each has a connection of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mallbots_platform.database import Database

T = TypeVar("T")


class Readers:
    def __init__(self, database: Database, threads: int = 2) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    async def run(self, read: Callable[[], T]) -> T:
        """The result of `read`, which sees one consistent state. Raises Unavailable when the database is away."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._consistently, read)

    def _consistently(self, read: Callable[[], T]) -> T:
        with self._database.reading():
            return read()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
