"""A context's database: SQLite or PostgreSQL, one connection a thread, transactions begun and ended by hand.

The platform's own few statements go to the driver (`run`, `run_many`; `?` marks a parameter in both), the
contexts' read models use SQLAlchemy Core (`execute`). Both speak over the calling thread's connection, so
that a repository works the same inside the writer's transaction and in a reader's thread.

What the driver says of such a statement is told apart right here, by its code: the piece's own mistake stays what it
is, everything else becomes a `DatabaseAway`. So whatever else a piece may raise is its own trouble.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from sqlalchemy import Connection, CursorResult, Engine, Executable, MetaData, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from mallbots_platform._sqlite import SqliteDialect
from mallbots_platform.errors import Collided, DatabaseAway, DatabaseBusy, OutcomeUnknown
from mallbots_platform.meanings import Meaning

LONGEST_STEP_SECONDS = 600.0
LONGEST_WORDS = 300
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


class _LostCursor:
    """Whatever follows in a transaction whose connection is lost is lost as well, and not committed by itself."""

    def __init__(self, told: DatabaseAway) -> None:
        self._told = told

    def execute(self, *statement: object) -> NoReturn:
        raise self._told

    executemany = execute


class _Session:
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
        self.cursor, self.lost = _LostCursor(told), told

    def close(self, dialect: Dialect) -> None:
        try:
            dialect.close(self.raw)
            self.connection.invalidate()
            self.connection.close()
        except Exception:  # a connection that broke cannot be closed in order, and need not be
            return


class Database:
    """`url` as SQLAlchemy writes it: `sqlite:///path` or `postgresql://user@host/name`. `trouble` is why it cannot be
    used; `on_hung` hears of each statement that was given up."""

    def __init__(self, url: str) -> None:
        self.url, self.dialect = _known(url)
        self.trouble = ""
        self.on_hung: Callable[[], object] = lambda: None
        self._engine: Engine = create_engine(self.url, poolclass=NullPool)
        self.dialect.connect_by(self._engine)
        event.listen(self._engine, "handle_error", lambda context: self._told(context.original_exception))
        self._local = threading.local()
        self._opened: list[_Session] = []
        self._statements: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"

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

    def create(self, metadata: MetaData) -> None:
        """Create the tables that are missing."""
        with self.alone():
            metadata.create_all(self.connection)

    def table_names(self) -> set[str]:
        return set(inspect(self.connection).get_table_names())

    # Transactions

    def begin(self, statement: str) -> None:
        """A connection that broke while nobody used it is replaced: nothing was done on it."""
        is_old = hasattr(self._local, "session")
        try:
            self._begin(statement)
        except DatabaseBusy:
            raise
        except DatabaseAway:
            if not is_old:
                raise
            self._begin(statement)
        self.trouble = ""

    def commit(self) -> None:
        """Raises OutcomeUnknown when nobody can say whether it took place; after any other error it did not."""
        session = self._session()
        try:
            session.cursor.execute("COMMIT")
        except DatabaseAway:
            raise
        except Exception as error:
            is_open_question = self.dialect.may_have_committed(error, session.raw)
            if not (told := self._told(error)):
                raise
            raise OutcomeUnknown(f"it is not known what was committed: {told}") if is_open_question else told from error
        session.begun = ""
        if not self.dialect.was_committed(session.cursor):
            raise RuntimeError("the transaction could not be committed, since one of its statements had failed")

    def undo(self) -> None:
        """Whatever state the transaction is in, nothing of it stays."""
        session = self._local.__dict__.get("session")
        try:
            if session is not None and not session.lost:
                session.cursor.execute("ROLLBACK")
                session.begun = ""
                return
        except Exception:  # there was none any more; a new connection has none either
            pass
        self.forget_connection()

    def go_back(self, savepoint: str) -> None:
        """Raises DatabaseAway when there is no transaction any more to go back in."""
        try:
            self.do(f"ROLLBACK TO SAVEPOINT {savepoint}")
            self.do(f"RELEASE SAVEPOINT {savepoint}")
        except DatabaseAway:
            raise
        except Exception as error:
            raise DatabaseAway(f"the whole transaction is undone: {self._words(error)}") from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One consistent view for several reads."""
        self.begin(self.dialect.begin_read)
        try:
            yield
        finally:
            self.undo()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction that changes tables: no other process is in one of these at the same time. Raises DatabaseBusy
        when somebody else is for too long."""
        begin, *settings = self.dialect.begin_alone
        try:
            self.begin(begin)
            self.dialect.wait_at_most(self._session().raw, LONGEST_STEP_SECONDS)
            for statement in settings:
                self.do(statement)
            yield
            self.commit()
            self.dialect.wait_at_most(self._session().raw, None)
        except BaseException:
            self.forget_connection()
            raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else can write meanwhile; for the fault that shows what comes of it."""
        self.begin(self.dialect.begin_write)
        try:
            self.run(self.dialect.lock_all)
            yield
        finally:
            self.undo()
            self.forget_connection()

    def patiently(self, work: Callable[[], None], seconds: float = 60.0) -> None:
        """Do it again while somebody else holds a lock, or the server is about to be there. Raises DatabaseAway in the
        end."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return work()
            except DatabaseAway as error:
                if not error.passes or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    # Statements

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """A Core statement on this thread's connection."""
        connection = self.connection
        try:
            return connection.execute(statement, parameters)
        except Exception as error:
            self._meet(error)

    def do(self, statement: str) -> None:
        """A statement in SQL without parameters and without rows."""
        cursor = self._session().cursor
        try:
            cursor.execute(statement)
        except Exception as error:
            self._meet(error)

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """A statement in SQL; its rows, if it has any."""
        cursor = self._session().cursor
        try:
            cursor.execute(self._statements.get(statement) or self._translated(statement), parameters)
            rows: list[Row] = cursor.fetchall() if cursor.description else []
        except Exception as error:
            self._meet(error)
        return rows

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """A statement in SQL that changes rows; how many."""
        cursor = self._session().cursor
        try:
            cursor.execute(self._translated(statement), parameters)
        except Exception as error:
            self._meet(error)
        return int(cursor.rowcount)

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        cursor = self._session().cursor
        try:
            cursor.executemany(self._translated(statement), rows)
        except Exception as error:
            self._meet(error)

    def is_outage(self, error: BaseException) -> bool:
        """Whether our own connection has told so; whatever else it may look like is none."""
        return isinstance(error, DatabaseAway)

    def is_duplicate(self, error: BaseException) -> bool:
        return self.dialect.is_duplicate(_original(error))

    def forget_connection(self) -> None:
        """Drop this thread's connection; the next statement opens another."""
        session: _Session | None = self._local.__dict__.pop("session", None)
        if session is not None:
            self._opened.remove(session)
            session.close(self.dialect)

    def close(self) -> None:
        """Close every thread's connection; no thread may use the database any more."""
        while self._opened:
            self._opened.pop().close(self.dialect)
        self._engine.dispose()

    # Inside

    def _session(self) -> _Session:
        try:
            session: _Session = self._local.session
        except AttributeError:
            session = self._open()
        return session

    def _open(self) -> _Session:
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except Exception as error:
            self._meet(error)
        session = _Session(connection)
        try:
            self.dialect.open(session.raw)
        except Exception as error:
            session.close(self.dialect)
            self._meet(error)
        self._opened.append(session)
        self._local.session = session
        return session

    def _begin(self, statement: str) -> None:
        session = self._session()
        if session.lost:
            self.forget_connection()
            session = self._session()
        self.run(statement)
        session.begun = statement

    def _meet(self, error: Exception) -> NoReturn:
        """Raise it, or what it means where it is more than a mistake in the statement."""
        told = self._told(error)
        session: _Session | None = self._local.__dict__.get("session")
        if session is not None and session.lost and not session.begun:
            self.forget_connection()
        if told is None:
            raise error
        raise told from error

    def _told(self, error: BaseException) -> DatabaseAway | None:
        """SQLAlchemy asks in the middle of its own clearing up, so that nothing is closed here."""
        if isinstance(error, DatabaseAway):
            return None
        driver, session = _original(error), self._local.__dict__.get("session")
        reads = session is not None and session.begun == self.dialect.begin_read
        meaning = self.dialect.meaning(driver, session and session.raw, reads=reads)
        words = self._words(driver)
        if meaning is Meaning.OWN:
            return None
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
