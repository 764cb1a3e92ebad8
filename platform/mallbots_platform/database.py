"""A context's database: SQLite or PostgreSQL, one connection a thread, transactions begun and ended by hand.

The platform's own few statements go to the driver (`run`, `run_many`; `?` marks a parameter in both), the
contexts' read models use SQLAlchemy Core (`execute`). Both speak over the calling thread's connection, so
that a repository works the same inside the writer's transaction and in a reader's thread.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Engine, Executable, MetaData, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from mallbots_platform._sqlite import SqliteDialect
from mallbots_platform.errors import DatabaseAway, DatabaseBusy

Row = tuple[Any, ...]


class Dialect(Protocol):
    """What differs between the two databases."""

    begin_write: str
    begin_read: str
    lock_row: str
    lock_to_change: str
    lock_all: str

    @property
    def begin_alone(self) -> Sequence[str]: ...
    def open(self, raw: Any) -> None: ...
    def translate(self, statement: str) -> str: ...
    def is_outage(self, error: BaseException) -> bool: ...
    def is_locked(self, error: BaseException) -> bool: ...
    def is_duplicate(self, error: BaseException) -> bool: ...


class Database:
    """`url` as SQLAlchemy writes it: `sqlite:///path` or `postgresql://user@host/name`."""

    def __init__(self, url: str) -> None:
        self.url, self.dialect = _known(url)
        self._engine: Engine = create_engine(self.url, poolclass=NullPool)
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._statements: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"

    @property
    def connection(self) -> Connection:
        """This thread's, for what SQLAlchemy wants to look at by itself."""
        return self._connection()

    @property
    def session(self) -> object:
        """This thread's connection, as something to be compared: another one each time it is opened."""
        self._cursor()
        session: object = self._local.session
        return session

    def create(self, metadata: MetaData) -> None:
        """Create the tables that are missing."""
        with self.alone():
            metadata.create_all(self.connection)

    def table_names(self) -> set[str]:
        return set(inspect(self.connection).get_table_names())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction that changes tables: no other process is in one of these at the same time. Raises DatabaseBusy
        when somebody else is for too long."""
        with self.outages_named():
            self._connection()
            try:
                for statement in self.dialect.begin_alone:
                    self.do(statement)
                yield
                self.do("COMMIT")
            except BaseException:
                self.forget_connection()
                raise

    def patiently(self, work: Callable[[], None], seconds: float = 60.0) -> None:
        """Do it again while somebody else holds a lock. Raises DatabaseBusy in the end."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return work()
            except DatabaseBusy:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """A Core statement on this thread's connection."""
        with self.outages_named():
            result: CursorResult[Any] = self._connection().execute(statement, parameters)
            return result

    def do(self, statement: str) -> None:
        """A statement in SQL without parameters and without rows."""
        self._cursor().execute(statement)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """A statement in SQL; its rows, if it has any."""
        cursor = self._cursor()
        cursor.execute(self._statements.get(statement) or self._translated(statement), parameters)
        rows: list[Row] = cursor.fetchall() if cursor.description else []
        return rows

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """A statement in SQL that changes rows; how many."""
        cursor = self._cursor()
        cursor.execute(self._translated(statement), parameters)
        return int(cursor.rowcount)

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._cursor().executemany(self._translated(statement), rows)

    @contextmanager
    def outages_named(self) -> Iterator[None]:
        """A lost, locked or full database becomes `DatabaseAway`, and the connection is opened anew."""
        try:
            yield
        except DatabaseAway:
            raise
        except Exception as error:
            if not self.is_outage(error):
                raise
            self.forget_connection()
            if self.dialect.is_locked(_original(error)):
                raise DatabaseBusy(f"the database is locked: {error}") from error
            raise DatabaseAway(f"the database does not answer: {error}") from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One consistent view for several reads."""
        with self.outages_named():
            self.run(self.dialect.begin_read)
            try:
                yield
            finally:
                self.run("COMMIT")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else can write meanwhile; for the fault that shows what comes of it."""
        self.run(self.dialect.begin_write)
        try:
            self.run(self.dialect.lock_all)
            yield
        finally:
            self.run("ROLLBACK")
            self.forget_connection()

    def is_outage(self, error: BaseException) -> bool:
        """Whether the database is away; `DatabaseAway` is how a repository has told so already."""
        if isinstance(error, DatabaseAway):
            return True
        if isinstance(error, DBAPIError) and error.orig is not None:
            return self.dialect.is_outage(error.orig)
        return isinstance(error, OperationalError | InterfaceError) or self.dialect.is_outage(error)

    def is_duplicate(self, error: BaseException) -> bool:
        return self.dialect.is_duplicate(_original(error))

    def forget_connection(self) -> None:
        """Drop this thread's connection; the next statement opens another."""
        connection: Connection | None = self._local.__dict__.pop("connection", None)
        self._local.__dict__.pop("cursor", None)
        if connection is not None:
            self._opened.remove(connection)
            _close(connection)

    def close(self) -> None:
        """Close every thread's connection; no thread may use the database any more."""
        while self._opened:
            _close(self._opened.pop())
        self._engine.dispose()

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._opened.append(connection)
            raw = connection.connection.dbapi_connection
            self.dialect.open(raw)
            self._local.connection = connection
            self._local.session = object()
            self._local.cursor = raw.cursor()  # type: ignore[union-attr] # a fresh connection has its driver's
        return connection

    def _cursor(self) -> Any:
        try:
            return self._local.cursor
        except AttributeError:
            with self.outages_named():
                self._connection()
            return self._local.cursor

    def _translated(self, statement: str) -> str:
        translated = self._statements.get(statement)
        if translated is None:
            translated = self._statements[statement] = self.dialect.translate(statement)
        return translated


def _known(url: str) -> tuple[str, Dialect]:
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise ValueError(f"{url!r} is no database URL: write sqlite:///path or postgresql://user@host/name") from error
    if backend == "sqlite":
        return url, SqliteDialect()
    if backend == "postgresql":
        from mallbots_platform._postgres import PostgresDialect  # psycopg costs memory where it is not used

        return make_url(url).set(drivername="postgresql+psycopg").render_as_string(
            hide_password=False
        ), PostgresDialect()
    raise ValueError(f"{backend} is not supported: use sqlite or postgresql")


def _original(error: BaseException) -> BaseException:
    """As the driver told it."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _close(connection: Connection) -> None:
    try:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr] # it was opened by us
        connection.invalidate()
        connection.close()
    except Exception:  # a connection that broke cannot be closed in order, and need not be
        return
