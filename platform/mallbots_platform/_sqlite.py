"""What is particular to SQLite: a writer's lock, durability, and what its errors mean."""

import sqlite3
from typing import Any

from sqlalchemy import Engine

from mallbots_platform.meanings import Meaning

BUSY_MILLISECONDS = 2_000
BY_CODE = {
    sqlite3.SQLITE_BUSY: Meaning.BUSY,
    sqlite3.SQLITE_LOCKED: Meaning.BUSY,
    sqlite3.SQLITE_PERM: Meaning.AWAY,
    sqlite3.SQLITE_NOMEM: Meaning.AWAY,
    sqlite3.SQLITE_READONLY: Meaning.AWAY,
    sqlite3.SQLITE_IOERR: Meaning.AWAY,
    sqlite3.SQLITE_CORRUPT: Meaning.AWAY,
    sqlite3.SQLITE_FULL: Meaning.AWAY,
    sqlite3.SQLITE_CANTOPEN: Meaning.AWAY,
    sqlite3.SQLITE_PROTOCOL: Meaning.AWAY,
    sqlite3.SQLITE_NOTADB: Meaning.AWAY,
}
DUPLICATES = (
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)


class SqliteDialect:
    begin_write = "BEGIN IMMEDIATE"
    begin_read = "BEGIN"
    begin_alone = ("BEGIN IMMEDIATE",)
    lock_row = ""
    lock_to_change = ""
    lock_all = "SELECT 1"

    def connect_by(self, engine: Engine) -> None:
        """As SQLAlchemy does."""

    def open(self, raw: Any) -> None:
        raw.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA cache_size = -4096")
        raw.execute("PRAGMA temp_store = MEMORY")  # or every savepoint spills its journal into a file

    def close(self, raw: Any) -> None:
        """As long as somebody still has a cursor of it, a connection that is closed keeps its locks."""
        try:
            raw.rollback()
        finally:
            raw.close()

    def wait_at_most(self, raw: Any, seconds: float | None) -> None:
        """Nobody is waited for but whoever holds the lock."""

    def translate(self, statement: str) -> str:
        return statement

    def meaning(self, error: BaseException, raw: Any, *, reads: bool = False) -> Meaning:
        """The statement's own mistakes are OperationalErrors too: only the code tells. Without memory there is none."""
        if isinstance(error, MemoryError):
            return Meaning.AWAY
        return BY_CODE.get(_code(error) & 0xFF, Meaning.OWN)

    def passes(self, error: BaseException) -> bool:
        return False

    def is_hung(self, error: BaseException) -> bool:
        return False

    def may_have_committed(self, error: BaseException, raw: Any) -> bool:
        """A commit whose end could not be written is none; one that could not be flushed may be found there later."""
        known = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
        return self.meaning(error, raw) is not Meaning.OWN and _code(error) & 0xFF not in known

    def was_committed(self, cursor: Any) -> bool:
        return True

    def is_in_transaction(self, raw: Any) -> bool:
        return bool(raw.in_transaction)

    def is_duplicate(self, error: BaseException) -> bool:
        return _code(error) in DUPLICATES

    def words(self, error: BaseException) -> str:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return f"{name} {error}".strip()


def _code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) if isinstance(error, sqlite3.Error) else 0
