"""A piece of work for the writer, and how whoever waits for it learns what it came to."""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mallbots_platform.causes import Cause
from mallbots_platform.errors import DatabaseAway, TransactionGone, as_failure
from mallbots_platform.undone import Undone


@dataclass(slots=True)
class Piece:
    """Nobody waits for it after `until`; times are of the monotonic clock."""

    work: Callable[[], Any]
    cause: Cause
    answer: "asyncio.Future[Any]"
    asked_at: float = 0.0
    until: float = math.inf
    catches_up: bool = False
    result: Any = None
    error: BaseException | None = None

    def is_waited_for(self, now: float) -> bool:
        return now <= self.until and not self.answer.done()

    def resolve(self) -> None:
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(as_failure(self.error))
        else:
            self.answer.set_result(self.result)


def refuse(group: list[Piece], undone: Undone) -> None:
    """Each is told why; a mistake is told to the one that was alone with it."""
    told = undone.error
    if len(group) == 1 and isinstance(told, TransactionGone):
        told = told.reason or told
    if len(group) > 1 and not isinstance(told, DatabaseAway):
        told = DatabaseAway(f"nothing was committed: {told}")
        told.__cause__ = undone.error
    for piece in group:
        piece.error = told


def resolve(group: Iterable[Piece]) -> None:
    for piece in group:
        piece.resolve()
