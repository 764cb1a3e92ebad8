"""What a piece does happens wholly or not at all, also what it has only noted."""

import time
from types import TracebackType
from typing import Any, Protocol

from mallbots_platform.causes import Cause
from mallbots_platform.database import Database
from mallbots_platform.errors import DatabaseAway, OutcomeUnknown, TransactionGone


class Holder(Protocol):
    """Whose piece it is; `progressed_at` tells by the monotonic clock when something began last."""

    cause: Cause
    database: Database
    progressed_at: float


class Savepoint:
    """While it lasts, `cause` is that of its holder; what was appended to `lists` in it goes when it is undone."""

    __slots__ = ("_cause", "_database", "_holder", "_lists", "_marks", "_outer")

    def __init__(self, holder: Holder, cause: Cause, lists: list[list[Any]]) -> None:
        self._holder = holder
        self._database = holder.database
        self._cause = cause
        self._lists = lists

    def __enter__(self) -> None:
        self._marks = [len(notes) for notes in self._lists]
        self._outer = self._holder.cause
        self._holder.progressed_at = time.monotonic()
        self._database.do("SAVEPOINT piece")
        self._holder.cause = self._cause

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._holder.cause = self._outer
        if error is None:
            try:
                return self._database.do("RELEASE SAVEPOINT piece")
            except DatabaseAway:
                raise
            except Exception as failure:  # a statement has failed in it, and nobody said so: nothing of it is kept
                self._give_up(failure)
                raise
        try:
            self._take_back()
        except TransactionGone as gone:
            gone.reason = error
            raise

    def _give_up(self, failure: Exception) -> None:
        try:
            self._take_back()
        except TransactionGone as gone:
            raise OutcomeUnknown(f"the transaction was ended from inside: {failure}") from gone

    def _take_back(self) -> None:
        for notes, mark in zip(self._lists, self._marks, strict=True):
            del notes[mark:]
        self._database.go_back("piece")
