"""What is particular to PostgreSQL: limits on everything that is waited for, and what its errors mean."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

from mallbots_platform.meanings import Meaning

CHANGING_TABLES = 0x6D616C6C  # any number, as long as it is always the same
STATEMENT_SECONDS = 10
LOCK_SECONDS = 5
IDLE_SECONDS = 10
ANSWER_SECONDS = STATEMENT_SECONDS + 2.0
LIMITS = (
    f"SET statement_timeout = '{STATEMENT_SECONDS}s'; SET lock_timeout = '{LOCK_SECONDS}s';"
    f" SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
)
CONNECTING = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": round(ANSWER_SECONDS * 1000),
}
BY_CODE = {
    "57014": Meaning.SLOW,  # query_canceled
    "40001": Meaning.AGAIN,  # serialization_failure
    "40P01": Meaning.AGAIN,  # deadlock_detected
    "55P03": Meaning.BUSY,  # lock_not_available
    "25006": Meaning.AWAY,  # read_only_sql_transaction: another server is the one to write to now
    "40003": Meaning.AWAY,  # statement_completion_unknown
    "57P01": Meaning.AWAY,  # admin_shutdown
    "57P02": Meaning.AWAY,  # crash_shutdown
    "57P03": Meaning.AWAY,  # cannot_connect_now
    "57P04": Meaning.AWAY,  # database_dropped
    "57P05": Meaning.AWAY,  # idle_session_timeout
}
BY_CLASS = {
    "08": Meaning.AWAY,  # connection exceptions
    "53": Meaning.AWAY,  # insufficient resources: disk, memory, connections
    "58": Meaning.AWAY,  # system errors: the server's disk
}
PASSING = ("57P01", "57P02", "57P03", "53300")
# A refusal to connect comes without a code.
CODE_OF_WORDS = {
    "the database system is": "57P03",
    "too many clients": "53300",
    "too many connections": "53300",
    "remaining connection slots are reserved": "53300",
}
IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class Unanswered(psycopg.OperationalError):
    """The server has not answered in a time in which it would have given up by itself."""


class PatientConnection(psycopg.Connection[Any]):
    """Gives up a server that does not answer: one that hangs keeps neither its own limits, nor does its kernel tell."""

    answer_seconds = ANSWER_SECONDS

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """All that is sent goes through here: statements of both kinds, BEGIN and COMMIT among them."""
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.Error as error:
            if self.info.transaction_status is not TransactionStatus.ACTIVE:
                raise
            self.close()
            raise Unanswered(f"no answer for {self.answer_seconds:g} seconds") from error


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

    def connect_by(self, engine: Engine) -> None:
        event.listen(engine, "do_connect", _connect)

    def open(self, raw: Any) -> None:
        raw.execute(LIMITS)

    def close(self, raw: Any) -> None:
        raw.close()

    def wait_at_most(self, raw: Any, seconds: float | None) -> None:
        raw.answer_seconds = ANSWER_SECONDS if seconds is None else seconds

    def translate(self, statement: str) -> str:
        return statement.replace("%", "%%").replace("?", "%s")

    def meaning(self, error: BaseException, raw: Any, *, reads: bool = False) -> Meaning:
        """`raw` is the connection of the statement, None where connecting failed. What ended it is an outage, whatever
        it says; who `reads` only and wants to change something is mistaken."""
        if not isinstance(error, psycopg.Error):
            return Meaning.OWN
        if raw is None or raw.closed:
            return Meaning.AWAY
        code = error.sqlstate or ""
        if reads and code == "25006":
            return Meaning.OWN
        return BY_CODE.get(code) or BY_CLASS.get(code[:2], Meaning.OWN)

    def passes(self, error: BaseException) -> bool:
        return _code(error) in PASSING

    def is_hung(self, error: BaseException) -> bool:
        return isinstance(error, Unanswered | psycopg.errors.ConnectionTimeout)

    def may_have_committed(self, error: BaseException, raw: Any) -> bool:
        """After an error of COMMIT: only a server that goes on to talk has said that it did not."""
        return bool(raw.closed)

    def was_committed(self, cursor: Any) -> bool:
        """COMMIT of a transaction in which something has failed is answered with ROLLBACK."""
        return bool(cursor.statusmessage == "COMMIT")

    def is_in_transaction(self, raw: Any) -> bool:
        return raw.info.transaction_status in IN_TRANSACTION

    def is_duplicate(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.errors.UniqueViolation)

    def words(self, error: BaseException) -> str:
        """In one line, without the statement and what was to be written."""
        diagnostics = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        lines = (diagnostics or str(error)).splitlines() or [type(error).__name__]
        return f"{_code(error)} {lines[0]}".strip()


def _connect(dialect: Any, record: Any, arguments: Any, named: Mapping[str, Any]) -> PatientConnection:
    return PatientConnection.connect(*arguments, **(CONNECTING | dict(named)))


def _code(error: BaseException) -> str:
    if not isinstance(error, psycopg.Error):
        return ""
    words = str(error)
    return error.sqlstate or next((code for said, code in CODE_OF_WORDS.items() if said in words), "")
