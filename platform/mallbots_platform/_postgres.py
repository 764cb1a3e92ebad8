"""What is particular to PostgreSQL."""

from typing import Any

import psycopg

CHANGING_TABLES = 0x6D616C6C  # any number, as long as it is always the same


class PostgresDialect:
    begin_write = "BEGIN"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    begin_alone = (
        "BEGIN",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = '60s'",
        f"SELECT pg_advisory_xact_lock({CHANGING_TABLES})",
        "SET LOCAL lock_timeout = '2s'",  # who waits for a table stands in everybody's way
    )
    lock_row = " FOR SHARE"
    lock_to_change = " FOR UPDATE"
    lock_all = "LOCK TABLE fences, outbox_heads, requests, timers IN ACCESS EXCLUSIVE MODE"

    def open(self, raw: Any) -> None:
        raw.execute("SET statement_timeout = '10s'")
        raw.execute("SET lock_timeout = '5s'")

    def translate(self, statement: str) -> str:
        return statement.replace("%", "%%").replace("?", "%s")

    def is_outage(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

    def is_locked(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.errors.LockNotAvailable)

    def is_duplicate(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.errors.UniqueViolation)
