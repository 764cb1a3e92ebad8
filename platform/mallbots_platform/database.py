"""A context's database: SQLite or PostgreSQL, one connection a thread, transactions begun and ended by hand.

The platform's own few statements go to the driver (`run`, `run_many`; `?` marks a parameter in both), the
contexts' read models use SQLAlchemy Core (`execute`). Both speak over the calling thread's connection, so
that a repository works the same inside the writer's transaction and in a reader's thread.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CursorResult, Executable, MetaData, inspect

from mallbots_platform.connections import Connections, Session, original
from mallbots_platform.errors import DatabaseAway, DatabaseBusy, OutcomeUnknown, TransactionGone

LONGEST_STEP_SECONDS = 600.0
Row = tuple[Any, ...]


class Database(Connections):
    """`url` as SQLAlchemy writes it: `sqlite:///path` or `postgresql://user@host/name`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._statements: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"

    def create(self, metadata: MetaData) -> None:
        """Create the tables that are missing."""
        with self.alone():
            metadata.create_all(self.connection)

    def table_names(self) -> set[str]:
        return set(inspect(self.connection).get_table_names())

    # Transactions

    def begin(self, statement: str) -> None:
        """A connection that broke while nobody used it is replaced: nothing was done on it."""
        is_new = not hasattr(self._local, "session")
        session = self._session()
        if session.lost:
            self.forget_connection()
            session = self._session()
        session.begun = ""
        try:
            session.cursor.execute(statement)
        except Exception as error:
            session = self._begin_anew(statement, error, is_new)
        session.begun, self.trouble = statement, ""

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
        """Raises TransactionGone when there is no transaction any more to go back in."""
        try:
            self.do(f"ROLLBACK TO SAVEPOINT {savepoint}")
            self.do(f"RELEASE SAVEPOINT {savepoint}")
        except DatabaseAway:
            raise
        except Exception as error:
            raise TransactionGone(f"the whole transaction is undone: {self._words(error)}") from error

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
        return self.dialect.is_duplicate(original(error))

    def _translated(self, statement: str) -> str:
        translated = self._statements.get(statement)
        if translated is None:
            translated = self._statements[statement] = self.dialect.translate(statement)
        return translated

    def _begin_anew(self, statement: str, error: Exception, was_new: bool) -> Session:
        try:
            self._meet(error)
        except DatabaseBusy:
            raise
        except DatabaseAway:
            if was_new:
                raise
        self.do(statement)
        return self._session()
