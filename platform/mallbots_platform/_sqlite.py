"""What is particular to SQLite: a writer's lock, durability, and how trouble is told."""

import sqlite3
from typing import Any

BUSY_MILLISECONDS = 2_000


class SqliteDialect:
    begin_write = "BEGIN IMMEDIATE"
    begin_read = "BEGIN"
    begin_alone = ("BEGIN IMMEDIATE",)
    lock_row = ""
    lock_to_change = ""
    lock_all = "SELECT 1"

    def open(self, raw: Any) -> None:
        raw.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("PRAGMA cache_size = -4096")
        raw.execute("PRAGMA temp_store = MEMORY")  # or every savepoint spills its journal into a file

    def translate(self, statement: str) -> str:
        return statement

    def is_outage(self, error: BaseException) -> bool:
        """Locked, full, unreadable or gone; a mistake in a statement is an OperationalError too, and no outage."""
        return isinstance(error, sqlite3.OperationalError) and any(
            sign in str(error) for sign in ("locked", "full", "disk I/O", "unable to open", "readonly", "interrupted")
        )

    def is_locked(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)

    def is_duplicate(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.IntegrityError)
