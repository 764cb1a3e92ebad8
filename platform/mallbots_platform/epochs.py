"""Which past a number belongs to.

Each time a writer connects to its database an epoch begins, with a random id, and lasts until the next one begins.
Where a database was restored, or a replica took over that lacked the last commits, numbers are said anew, but never
under the same epoch: so a mark that names its epoch shows whether what is applied is what the source still says.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from mallbots_platform.envelope import Envelope

NONE = ""  # of what was said before there were epochs
UNKNOWN = "?"  # of a mark that was set back


class Mark(NamedTuple):
    """The last message that is applied: its number, its epoch, its id."""

    seq: int = 0
    epoch: str = NONE
    message_id: str = ""

    def is_before(self, envelope: Envelope) -> bool:
        """Whether the message with the next number continues the same past, by its own word."""
        return self.seq == 0 or self.epoch in (envelope.epoch, envelope.epochafter)


AT_THE_START = Mark()


@dataclass(frozen=True, slots=True)
class Epochs:
    """Of one channel and partition, as its source tells them: ids and first numbers in their order, and the last number
    of all; `at_mark` is the id of the message with the number that was asked about, if the source still has it."""

    firsts: tuple[tuple[int, str], ...] = ()
    head: int = 0
    at_mark: str = ""

    def at(self, seq: int) -> str:
        """The epoch in which that number was said."""
        place = bisect_right(self.firsts, seq, key=lambda each: each[0])
        return self.firsts[place - 1][1] if place else NONE

    def contain(self, mark: Mark) -> bool:
        """Whether this past is the one in which the mark was made."""
        if mark.seq == 0:
            return True
        if mark.seq > self.head:
            return False
        if self.at_mark and mark.message_id:
            return self.at_mark == mark.message_id
        return mark.epoch in (UNKNOWN, self.at(mark.seq))
