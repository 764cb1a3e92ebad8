"""A database that is closed again, and what it says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mallbots_platform.database import Database


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def told(work: Callable[[], object]) -> BaseException:
    try:
        answer = work()
    except Exception as error:
        return error
    raise AssertionError(f"it answered {answer!r}")
