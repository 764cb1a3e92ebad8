"""Timers that have ended too many lives: parked for an operator, in a group of their own, `<context>.timers`.

Each stays where it is, at a time that never comes: whoever sets or cancels it meanwhile need not know, and what an
operator does with a timer that was set anew concerns that one no more.
"""

from typing import TYPE_CHECKING

from mallbots_platform.clock import now_us
from mallbots_platform.database import Database
from mallbots_platform.errors import Conflict
from mallbots_platform.parking import DEAD, ParkedMessage, ParkingLot, RetryPolicy

if TYPE_CHECKING:
    from mallbots_platform.due_timers import DueTimer

CHANNEL = "timers"
AT_NO_TIME = 1 << 62


class TimersAside(ParkingLot):
    def __init__(self, context: str, database: Database) -> None:
        self.group = f"{context}.{CHANNEL}"
        super().__init__(self.group, database, RetryPolicy())
        self._context = context

    def put(self, timer: "DueTimer", error: str) -> bool:
        """False: it was set anew, or cancelled."""
        if not self._database.change(_MOVE_DUE, (AT_NO_TIME, *timer[:4])):
            return False
        place = (self.group, self._context, CHANNEL, 0)
        [(seq,)] = self._database.run(_NEXT_NUMBER, (self.group,))
        told = (timer.attempts + 1, 0, now_us(), 0, error, timer.data)
        if not self._database.change(_PARK, (*place, seq, timer.id, timer.type, timer.key, DEAD, *told)):
            raise Conflict(f"another timer was set aside as number {seq}")
        return True

    def retry(self, id: int) -> None:
        """An operator wants it to go off now. Raises NotFound."""
        self._let_go(self.find(id))

    def retry_dead(self) -> int:
        parked = self._all()
        for each in parked:
            self._let_go(each)
        return len(parked)

    def discard(self, id: int) -> None:
        """An operator gives it up. Raises NotFound."""
        parked = self.find(id)
        self._database.run("DELETE FROM timers WHERE type = ? AND key = ? AND id = ?", _timer(parked))
        self.release(parked)

    def forget_replaced(self) -> None:
        """Those that were set anew since, or cancelled."""
        self._database.run(f"DELETE FROM parked WHERE {REPLACED}", (self.group,))

    def _let_go(self, parked: ParkedMessage) -> None:
        self._database.run(_GO_OFF, (now_us(), *_timer(parked), AT_NO_TIME))
        self.release(parked)

    def _all(self) -> list[ParkedMessage]:
        ids = self._database.run("SELECT id FROM parked WHERE group_name = ?", (self.group,))
        return [self.find(id) for (id,) in ids]


def _timer(parked: ParkedMessage) -> tuple[str, str, str]:
    return parked.type, parked.key, parked.message_id


REPLACED = f"""group_name = ? AND NOT EXISTS (
    SELECT 1 FROM timers t WHERE t.type = parked.type AND t.key = parked.key AND t.id = parked.message_id
    AND t.due_at = {AT_NO_TIME}
)"""
_MOVE_DUE = "UPDATE timers SET due_at = ?, kept = 0 WHERE type = ? AND key = ? AND id = ? AND due_at = ?"
_GO_OFF = "UPDATE timers SET due_at = ? WHERE type = ? AND key = ? AND id = ? AND due_at = ?"
_NEXT_NUMBER = "SELECT COALESCE(MAX(seq), 0) + 1 FROM parked WHERE group_name = ?"
_PARK = """
    INSERT INTO parked (group_name, source, channel, partition, seq, message_id, type, key, state, attempts, due_at,
                        parked_at, published_at, error, envelope)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
