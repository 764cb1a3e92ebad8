"""How a piece loses its transaction, on both databases, and how pieces come to share one."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mallbots_platform.database import Database
from mallbots_platform.writer import Writer


def lose_transaction(database: Database) -> None:
    """Raises DatabaseAway: the server ends the connection, or SQLite is out of room in the middle of a statement."""
    if database.kind == "postgresql":
        database.run("SELECT pg_terminate_backend(pg_backend_pid())")
    else:
        database.run("PRAGMA max_page_count = 1")
        database.run("CREATE TABLE much AS SELECT zeroblob(100000) AS zeros")


@asynccontextmanager
async def together(writer: Writer) -> AsyncIterator[None]:
    """What is asked for inside, in one go, shares a commit: the writer is kept busy until then."""
    began, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        go_on.wait()

    blocking = asyncio.ensure_future(writer.run(wait))
    await asyncio.to_thread(began.wait)
    asyncio.get_running_loop().call_later(0.02, go_on.set)
    try:
        yield
    finally:
        go_on.set()
        await blocking
