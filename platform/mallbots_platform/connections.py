"""One connection to the database a thread; what its driver says of our statements is told apart here, by its code.

A mistake in a statement stays what it is, everything else becomes a platform error, most of it a `DatabaseAway`. A
connection that is lost in the middle of a transaction stays lost until that has ended: whatever follows in it would be
committed by itself.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from mallbots_platform._sqlite import SqliteDialect
from mallbots_platform.errors import Collided, DatabaseAway, DatabaseBusy, TookTooLong, Unavailable
from mallbots_platform.meanings import Meaning

LONGEST_WORDS = 300


class Dialect(Protocol):
    """What differs between the two databases."""

    begin_write: str
    begin_read: str
    lock_row: str
    lock_to_change: str
    lock_all: str

    @property
    def begin_alone(self) -> Sequence[str]: ...
    def connect_by(self, engine: Engine) -> None: ...
    def open(self, raw: Any) -> None: ...
    def close(self, raw: Any) -> None: ...
    def wait_at_most(self, raw: Any, seconds: float | None) -> None: ...
    def translate(self, statement: str) -> str: ...
    def meaning(self, error: BaseException, raw: Any, *, reads: bool = False) -> Meaning: ...
    def passes(self, error: BaseException) -> bool: ...
    def is_hung(self, error: BaseException) -> bool: ...
    def may_have_committed(self, error: BaseException, raw: Any) -> bool: ...
    def was_committed(self, cursor: Any) -> bool: ...
    def is_duplicate(self, error: BaseException) -> bool: ...
    def words(self, error: BaseException) -> str: ...


class LostCursor:
    """Whatever follows in a transaction whose connection is lost is lost as well, and not committed by itself."""

    def __init__(self, told: DatabaseAway) -> None:
        self._told = told

    def execute(self, *statement: object) -> NoReturn:
        raise self._told

    executemany = execute


class Session:
    """One thread's connection; `begun` is what began the transaction on it, `lost` what has become of it."""

    __slots__ = ("begun", "connection", "cursor", "lost", "raw")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        raw: Any = connection.connection.dbapi_connection
        self.raw = raw
        self.cursor = raw.cursor()
        self.begun = ""
        self.lost: DatabaseAway | None = None

    def lose(self, told: DatabaseAway) -> None:
        self.cursor, self.lost = LostCursor(told), told

    def close(self, dialect: Dialect) -> None:
        try:
            dialect.close(self.raw)
            self.connection.invalidate()
            self.connection.close()
        except Exception:  # a connection that broke cannot be closed in order, and need not be
            return


class Connections:
    """`trouble` is why the database cannot be used; `on_hung` hears of each statement that was given up."""

    def __init__(self, url: str) -> None:
        self.url, self.dialect = known(url)
        self.trouble = ""
        self.on_hung: Callable[[], object] = lambda: None
        self._engine: Engine = create_engine(self.url, poolclass=NullPool)
        self.dialect.connect_by(self._engine)
        event.listen(self._engine, "handle_error", lambda context: self._told(context.original_exception))
        self._local = threading.local()
        self._opened: list[Session] = []

    @property
    def connection(self) -> Connection:
        """This thread's, for what SQLAlchemy wants to look at by itself."""
        session = self._session()
        if session.lost is None:
            return session.connection
        if session.begun:
            raise session.lost
        self.forget_connection()
        return self._session().connection

    @property
    def session(self) -> object:
        """This thread's connection, as something to be compared: another one each time it is opened."""
        return self._session()

    def forget_connection(self) -> None:
        """Drop this thread's connection; the next statement opens another."""
        session: Session | None = self._local.__dict__.pop("session", None)
        if session is not None:
            self._opened.remove(session)
            session.close(self.dialect)

    def close(self) -> None:
        """Close every thread's connection; no thread may use the database any more."""
        while self._opened:
            self._opened.pop().close(self.dialect)
        self._engine.dispose()

    def _session(self) -> Session:
        try:
            session: Session = self._local.session
        except AttributeError:
            session = self._open()
        return session

    def _open(self) -> Session:
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except Exception as error:
            self._meet(error)
        session = Session(connection)
        try:
            self.dialect.open(session.raw)
        except Exception as error:
            session.close(self.dialect)
            self._meet(error)
        self._opened.append(session)
        self._local.session = session
        return session

    def _meet(self, error: Exception) -> NoReturn:
        """Raise it, or what it means where it is more than a mistake in the statement."""
        told = self._told(error)
        session: Session | None = self._local.__dict__.get("session")
        if session is not None and session.lost and not session.begun:
            self.forget_connection()
        if told is None:
            raise error
        raise told from error

    def _told(self, error: BaseException) -> Unavailable | None:
        """SQLAlchemy asks in the middle of its own clearing up, so that nothing is closed here."""
        if isinstance(error, Unavailable):
            return None
        driver, session = original(error), self._local.__dict__.get("session")
        reads = session is not None and session.begun == self.dialect.begin_read
        meaning = self.dialect.meaning(driver, session and session.raw, reads=reads)
        words = self._words(driver)
        if meaning is Meaning.OWN:
            return None
        if meaning is Meaning.SLOW:
            return TookTooLong(words)
        if meaning is Meaning.AGAIN:
            return Collided(f"the database preferred another transaction: {words}")
        if meaning is Meaning.BUSY:
            return DatabaseBusy(f"the database is locked: {words}")
        if self.dialect.is_hung(driver):
            self.on_hung()
        told = DatabaseAway(f"the database does not answer: {words}", passes=self.dialect.passes(driver))
        self.trouble = str(told)
        if session is not None:
            session.lose(told)
        return told

    def _words(self, error: BaseException) -> str:
        return self.dialect.words(error)[:LONGEST_WORDS]


def known(url: str) -> tuple[str, Dialect]:
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


def original(error: BaseException) -> BaseException:
    """As the driver told it."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
