"""A database that is closed again, what it says, and a writer to it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from mallbots_platform.database import Database
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


@asynccontextmanager
async def open_writer(url: str, prepare: Callable[[Database], object] = lambda database: None) -> AsyncIterator[Writer]:
    """At work, over a database that is prepared before."""
    with opened(url) as database:
        prepare(database)
        writer = Writer(database, Meter("test"))
        writer.start()
        try:
            yield writer
        finally:
            await writer.stop()


def told(work: Callable[[], object]) -> BaseException:
    try:
        answer = work()
    except Exception as error:
        return error
    raise AssertionError(f"it answered {answer!r}")
