"""A PostgreSQL server for the tests of a worker."""

from collections.abc import Iterator
from contextlib import contextmanager

from mallbots.own_postgres import MISSING, OwnPostgres
from mallbots.own_postgres import postgres_binary as binary

__all__ = ["MISSING", "binary", "postgres"]


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a running server, without a database's name."""
    server = OwnPostgres()
    server.start()
    try:
        yield server.url("{name}")
    finally:
        server.stop()
