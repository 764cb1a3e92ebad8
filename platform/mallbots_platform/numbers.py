"""The next numbers of each channel and partition, without holes, and the epoch in which they are given.

A number comes from a counter row that is locked by the transaction, so that commit order is the order of numbers. A
connection begins an epoch of its own with the first number that it gives.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mallbots_platform.clock import now_us
from mallbots_platform.writer import Writer

Place = tuple[str, int]


class Numbers(NamedTuple):
    """`after` is the epoch before, where these are the first of theirs."""

    first: int
    last: int
    epoch: str
    after: str | None


class Numbering:
    """Methods run in the writer's thread. `on_going_back` hears of a place whose numbers are said anew."""

    def __init__(self, writer: Writer) -> None:
        self.on_going_back: Callable[[Place, int], None] = lambda place, last: None
        self._writer = writer
        self._database = writer.database
        self._session: object = None
        self._epoch = ""
        self._begun: set[Place] = set()
        self._committed: dict[Place, int] = {}

    def advance(self, counts: Mapping[Place, int]) -> dict[Place, Numbers]:
        """Numbers for so many messages of each place; locked in one order, so that writers never deadlock."""
        if self._session != (session := self._database.session):
            self._session = session
            self._begin_epoch()
        return {place: self._advance(place, count) for place, count in sorted(counts.items())}

    def committed(self, numbers: Mapping[Place, Numbers]) -> None:
        """What was given is kept."""
        self._begun.update(numbers)
        self._committed.update((place, given.last) for place, given in numbers.items())

    def _advance(self, place: Place, count: int) -> Numbers:
        [(last, epoch)] = self._database.run(_ADVANCE, (*place, count))
        first = last - count + 1
        if first <= self._committed.get(place, 0):
            self._go_back(place, last)
        if place in self._begun:
            return Numbers(first, last, epoch, None)
        self._database.run(_BEGIN, (self._epoch, *place))
        self._database.run(_NOTE, (*place, self._epoch, first, now_us()))
        return Numbers(first, last, self._epoch, epoch)

    def _go_back(self, place: Place, last: int) -> None:
        """The database has lost what was committed here: behind a pooler, a replica may have taken its place."""
        self._begin_epoch()
        self._committed.clear()
        self._writer.after_commit(lambda: self.on_going_back(place, last))

    def _begin_epoch(self) -> None:
        self._epoch = secrets.token_hex(8)
        self._begun.clear()


_ADVANCE = """
    INSERT INTO outbox_heads (channel, partition, last_seq, published_seq, published_at, trimmed_seq, pruned_seq,
                              republished)
    VALUES (?, ?, ?, 0, 0, 0, 0, 0)
    ON CONFLICT (channel, partition) DO UPDATE SET last_seq = outbox_heads.last_seq + excluded.last_seq
    RETURNING last_seq, epoch
"""
_BEGIN = "UPDATE outbox_heads SET epoch = ? WHERE channel = ? AND partition = ?"
_NOTE = "INSERT INTO outbox_epochs (channel, partition, epoch, first_seq, began_at) VALUES (?, ?, ?, ?, ?)"
