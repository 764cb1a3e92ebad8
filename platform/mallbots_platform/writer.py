"""The one thread of a context that changes state: it groups what is queued into one transaction a commit.

Calls from outside and handlers of messages alike are pieces of work. Each runs in a savepoint, so that one
that fails takes nothing with it; then the messages that were recorded get their sequence numbers, the
transaction is committed once, and every piece is answered.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from mallbots_platform.causes import UNKNOWN, Cause
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import (
    Collided,
    Conflict,
    DatabaseAway,
    DatabaseBusy,
    Unavailable,
)
from mallbots_platform.lanes import Lanes
from mallbots_platform.pieces import Piece, refuse, resolve
from mallbots_platform.savepoints import Savepoint
from mallbots_platform.undone import Refused, Undone, UndoneCommits
from telemetry.metrics import Meter

T = TypeVar("T")

LARGEST_GROUP = 256
MOMENT_SECONDS = 0.005
GROUP_SECONDS = 0.05
CONFLICT_RETRIES = 3
RETRIES_LEFT = tuple(reversed(range(CONFLICT_RETRIES + 1)))
LONGEST_REPETITION_SECONDS = 10.0


class Writer:
    """Runs pieces in the order in which they were submitted; `cause` is that of the piece that runs. `effects` counts
    what pieces have wanted besides their rows: messages and timers."""

    def __init__(self, database: Database, meter: Meter, log: Any = None) -> None:
        self.database = database
        self.cause = UNKNOWN
        self.effects = 0
        self._before_commit: list[Callable[[], None]] = []
        self._savepoint_lists: list[list[Any]] = []
        self._after_commit: list[Callable[[], None]] = []
        self.keep_with_savepoints(self._after_commit)
        self._queue = Lanes[Piece](self._leave)
        self._abandoned = meter.counter("mallbots_changes_abandoned_total")
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: asyncio.Future[None] | None = None
        self._closing = False
        self._oldest_asked_at = 0.0
        self._commit_seconds = meter.histogram("mallbots_commit_seconds")
        self._batch_size = meter.histogram("mallbots_commit_batch_size")
        self._undone = UndoneCommits(meter, log)
        self.progressed_at = 0.0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._failed = self._loop.create_future()
        self._thread.start()

    async def watch(self) -> None:
        """Never returns; raises what ended the thread, without which nothing can be changed any more."""
        assert self._failed is not None
        await asyncio.shield(self._failed)

    @property
    def at_work(self) -> list[tuple[int, float]]:
        """The thread, if it is at work, and since when at one thing (by the monotonic clock)."""
        progressed_at = self.progressed_at
        return [(self._thread.ident or 0, progressed_at)] if progressed_at else []

    @property
    def refused(self) -> Refused | None:
        """Why no transaction could be begun last time, until one could."""
        return self._undone.refused

    async def stop(self) -> None:
        """Finish what is queued, refuse what comes later."""
        self._closing = True
        if self._thread.is_alive():
            self._queue.close()
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def run(
        self, work: Callable[[], T], cause: Cause = UNKNOWN, *, until: float = math.inf, catches_up: bool = False
    ) -> T:
        """The result of `work`, committed. Raises what it raised, or Unavailable when nothing could be committed. Work
        that nobody waits for any more when it is its turn, for it is cancelled, or it is past `until` by the monotonic
        clock, is not begun. What `catches_up` lets others go first."""
        if self._closing or self._loop is None:
            raise Unavailable("this process is shutting down")
        piece = Piece(work, cause, self._loop.create_future(), time.monotonic(), until, catches_up)
        self._queue.put(piece)
        answer: T = await piece.answer
        return answer

    @property
    def oldest_seconds(self) -> float:
        """How long the piece has waited that waits longest, the first of those that are tried; 0 without any."""
        asked_at = self._oldest_asked_at
        return time.monotonic() - asked_at if asked_at else 0.0

    @property
    def expected_seconds(self) -> float:
        """How long a piece would wait that comes now. Where nothing moves on, as long again as nothing has."""
        began, expected = self.progressed_at, self._queue.expected_seconds
        return max(expected, time.monotonic() - began) if began else expected

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

    def savepoint(self, cause: Cause) -> Savepoint:
        """A context manager: what happens inside happens wholly or not at all."""
        return Savepoint(self, cause, self._savepoint_lists)

    def until_no_conflict(self, work: Callable[[], T], cause: Cause) -> T:
        """The result of `work`, in a savepoint of its own; a few times anew while somebody else has changed the same.
        Raises Conflict in the end."""
        for _ in range(CONFLICT_RETRIES):
            try:
                with self.savepoint(cause):
                    return work()
            except Conflict:
                continue
        with self.savepoint(cause):
            return work()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # a mistake in what runs after a commit: the process ends, and says so
            self._closing = True
            self._tell(partial(self._fail, error))

    def _work(self) -> None:
        while group := self._queue.take(LARGEST_GROUP):
            self._oldest_asked_at = min(group[0].asked_at, group[-1].asked_at)
            started = time.monotonic()
            try:
                self._commit(group)
            finally:
                self._oldest_asked_at = 0.0
                self._queue.took(len(group), time.monotonic() - started)
                self._answer(group)

    def _commit(self, group: list[Piece]) -> None:
        """What is undone together is tried piece by piece: whatever was the reason, it is one's own trouble only."""
        undone = self._try(group)
        if undone is None:
            return
        refuse(group, undone)
        if undone.may_be_repeated and (len(group) > 1 or isinstance(undone.error, Collided)):
            self._try_each(group)

    def _try_each(self, group: list[Piece]) -> None:
        until = time.monotonic() + LONGEST_REPETITION_SECONDS
        for number, piece in enumerate(group, 1):
            waits = self._queue.still_waits(piece, time.monotonic())
            undone = self._try_alone(piece) if waits else None
            if undone is not None:
                refuse([piece], undone)
                if not undone.has_begun:
                    return refuse(group[number:], undone)
                if time.monotonic() > until:
                    return refuse(group[number:], Undone(DatabaseBusy("others have taken all the time")))
            self._answer([piece])

    def _try_alone(self, piece: Piece) -> Undone | None:
        undone = None
        for _ in range(2):
            undone = self._try([piece])
            if undone is None or not isinstance(undone.error, Collided):
                break
        return undone

    def _try(self, group: list[Piece]) -> Undone | None:
        """All of it in one transaction. None: it is committed; else nothing of it was kept, or nobody knows."""
        started = time.perf_counter()
        self.progressed_at, has_begun = time.monotonic(), False
        try:
            self.database.begin(self.database.dialect.begin_write)
            has_begun = True
            self._attempt_in_time(group)
            for step in self._before_commit:
                step()
            reached("commit: before")
            self.database.commit()
            reached("commit: after")
        except BaseException as error:  # whatever it was, every caller learns it
            return self._undo(Undone(error, has_begun), len(group))
        finally:
            self.progressed_at = 0.0
        if self._undone.reason:
            self._undone.forget()
        self._commit_seconds.observe(time.perf_counter() - started)
        self._batch_size.observe(len(group))
        for step in self._after_commit:
            step()
        self._forget_notes()
        return None

    def _attempt_in_time(self, group: list[Piece]) -> None:
        """Those for which there is no time left in this transaction are taken out of the group, and come next. Who
        was there a moment ago still is."""
        now = time.monotonic()
        fresh, until = now + MOMENT_SECONDS, now + GROUP_SECONDS
        for begun, piece in enumerate(group, 1):
            if now < fresh or self._queue.still_waits(piece, now):
                self._attempt(piece)
            if (now := time.monotonic()) > until and begun < len(group):
                self._queue.give_back(group[begun:])
                del group[begun:]

    def _attempt(self, piece: Piece) -> None:
        """Raises what undoes the others too; anything else is the piece's answer."""
        for retries in RETRIES_LEFT:
            try:
                with self.savepoint(piece.cause):
                    piece.result, piece.error = piece.work(), None
                return
            except Collided:
                if not retries:
                    raise
            except Conflict as error:
                piece.error = error
            except DatabaseAway as error:
                if not isinstance(error, DatabaseBusy):
                    raise
                piece.error = error
                return
            except BaseException as error:  # also one that would end the thread
                piece.error = error
                return

    def _undo(self, undone: Undone, pieces: int) -> Undone:
        self._forget_notes()
        self.database.undo()
        self._undone.note(undone, pieces)
        return undone

    def _forget_notes(self) -> None:
        for notes in self._savepoint_lists:
            notes.clear()

    def _leave(self, piece: Piece) -> None:
        """Its turn has come, and nobody waits for it any more."""
        self._abandoned.inc()
        if not piece.answer.done():
            piece.error = TimeoutError()
            self._answer([piece])

    def _answer(self, group: list[Piece]) -> None:
        self._tell(partial(resolve, group))

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    def _tell(self, news: Callable[[], object]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(news)
