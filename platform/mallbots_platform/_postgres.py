"""What is particular to PostgreSQL."""

from typing import Any

import psycopg


class PostgresDialect:
    begin_write = "BEGIN"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    lock_row = " FOR SHARE"
    lock_all = "LOCK TABLE fences, outbox_heads, requests, timers IN ACCESS EXCLUSIVE MODE"

    def open(self, raw: Any) -> None:
        raw.execute("SET statement_timeout = '10s'")
        raw.execute("SET lock_timeout = '5s'")

    def translate(self, statement: str) -> str:
        return statement.replace("%", "%%").replace("?", "%s")

    def is_outage(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)

    def is_duplicate(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.errors.UniqueViolation)
