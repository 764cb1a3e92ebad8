"""The one thread of a context that changes state: it groups what is queued into one transaction a commit.

Calls from outside and handlers of messages alike are pieces of work. Each runs in a savepoint, so that one
that fails takes nothing with it; then the messages that were recorded get their sequence numbers, the
transaction is committed once, and every piece is answered.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from mallbots_platform.causes import UNKNOWN, Cause
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import Conflict, DatabaseAway, Unavailable
from telemetry.metrics import Meter

T = TypeVar("T")

LARGEST_GROUP = 256
CONFLICT_RETRIES = 3


@dataclass(slots=True)
class _Piece:
    work: Callable[[], Any]
    cause: Cause
    answer: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Writer:
    """Runs pieces in the order in which they were submitted; `cause` is that of the piece that runs. `effects` counts
    what pieces have wanted besides their rows: messages and timers."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self.database = database
        self.cause = UNKNOWN
        self.effects = 0
        self._before_commit: list[Callable[[], None]] = []
        self._savepoint_lists: list[list[Any]] = []
        self._after_commit: list[Callable[[], None]] = []
        self.keep_with_savepoints(self._after_commit)
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: asyncio.Future[None] | None = None
        self._closing = False
        self._commit_seconds = meter.histogram("mallbots_commit_seconds")
        self._batch_size = meter.histogram("mallbots_commit_batch_size")

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._failed = self._loop.create_future()
        self._thread.start()

    async def watch(self) -> None:
        """Never returns; raises what ended the thread, without which nothing can be changed any more."""
        assert self._failed is not None
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Finish what is queued, refuse what comes later."""
        self._closing = True
        if self._thread.is_alive():
            self._queue.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def run(self, work: Callable[[], T], cause: Cause = UNKNOWN) -> T:
        """The result of `work`, committed. Raises what it raised, or Unavailable when nothing could be committed."""
        if self._closing or self._loop is None:
            raise Unavailable("this process is shutting down")
        piece = _Piece(work, cause, self._loop.create_future())
        self._queue.put(piece)
        answer: T = await piece.answer
        return answer

    # What follows is for the writer's own thread: code that runs inside a piece.

    def before_commit(self, step: Callable[[], None]) -> None:
        """Registered once: runs in every transaction after its pieces, before the commit."""
        self._before_commit.append(step)

    def after_commit(self, step: Callable[[], None]) -> None:
        """Runs in the writer's thread when, and only when, what the piece did has been committed."""
        self._after_commit.append(step)

    def keep_with_savepoints(self, notes: list[Any]) -> None:
        """Registered once: what a piece appends to `notes` is taken off again when the piece is undone."""
        self._savepoint_lists.append(notes)

    def savepoint(self, cause: Cause) -> "_Savepoint":
        """A context manager: what happens inside happens wholly or not at all."""
        return _Savepoint(self, cause, self._savepoint_lists)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # a mistake in what runs after a commit: the process ends, and says so
            self._closing = True
            self._tell(partial(self._fail, error))

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            stop = False
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                piece = self._queue.get()
                if piece is None:
                    stop = True
                    break
                group.append(piece)
            try:
                self._commit(group)
            finally:
                self._answer(group)
            if stop:
                return

    def _commit(self, group: list[_Piece]) -> None:
        started = time.perf_counter()
        try:
            self.database.run(self.database.dialect.begin_write)
            for piece in group:
                self._attempt(piece)
            for step in self._before_commit:
                step()
            reached("commit: before")
            self.database.run("COMMIT")
            reached("commit: after")
        except BaseException as error:  # whatever it was, nothing of this group was kept, and every caller learns it
            self._undo(group, error)
            return
        self._commit_seconds.observe(time.perf_counter() - started)
        self._batch_size.observe(len(group))
        for step in self._after_commit:
            step()
        self._forget_notes()

    def _attempt(self, piece: _Piece, retries: int = CONFLICT_RETRIES) -> None:
        try:
            with self.savepoint(piece.cause):
                piece.result = piece.work()
        except Conflict as error:
            if retries:
                return self._attempt(piece, retries - 1)
            piece.error = error
        except Exception as error:
            if self.database.is_outage(error):
                raise
            piece.error = error

    def _undo(self, group: list[_Piece], error: BaseException) -> None:
        self._forget_notes()
        try:
            self.database.run("ROLLBACK")
        except Exception:  # the connection is gone, and with it the transaction
            self.database.forget_connection()
        told = error if isinstance(error, DatabaseAway) else DatabaseAway(f"nothing was committed: {error}")
        told.__cause__ = error if told is not error else None
        for piece in group:
            piece.error = told

    def _forget_notes(self) -> None:
        for notes in self._savepoint_lists:
            notes.clear()

    def _answer(self, group: list[_Piece]) -> None:
        self._tell(partial(_resolve, group))

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _tell(self, news: Callable[[], object]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(news)


class _Savepoint:
    __slots__ = ("_cause", "_database", "_lists", "_marks", "_outer", "_writer")

    def __init__(self, writer: Writer, cause: Cause, lists: list[list[Any]]) -> None:
        self._writer = writer
        self._database = writer.database
        self._cause = cause
        self._lists = lists

    def __enter__(self) -> None:
        self._marks = [len(notes) for notes in self._lists]
        self._outer = self._writer.cause
        self._database.do("SAVEPOINT piece")
        self._writer.cause = self._cause

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._writer.cause = self._outer
        if error is None:
            self._database.do("RELEASE SAVEPOINT piece")
            return
        for notes, mark in zip(self._lists, self._marks, strict=True):
            del notes[mark:]
        if not self._database.is_outage(error):
            self._database.do("ROLLBACK TO SAVEPOINT piece")
            self._database.do("RELEASE SAVEPOINT piece")


def _resolve(group: list[_Piece]) -> None:
    for piece in group:
        piece.resolve()
