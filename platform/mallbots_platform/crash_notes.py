"""Whatever is tried again by us may end the process: it is noted before, in a commit of its own, and the note goes
when it is dealt with. So a note that a later life finds is a death, and who has caused too many is set aside.

What is tried for the first time needs none: an entry of a stream is on its group's pending list, and whoever calls does
not repeat it by himself. Several things that are tried together may share the note of the last one; after a death each
is tried alone.
"""

from collections.abc import Iterable

from mallbots_platform.database import Database
from mallbots_platform.ids import new_id

LIMIT = 10


class CrashNotes:
    """Of one process, in lanes: what is noted in one lane is tried by one process at a time. Writer's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._life = new_id()

    def note(self, lane: str, item: str) -> int:
        """It is going to be tried; how many lives ended while it was."""
        [(deaths,)] = self._database.run(_NOTE, (lane, item, self._life))
        return int(deaths)

    def left(self, lane: str) -> dict[str, int]:
        """What earlier lives have noted there, and not got over: how many of them have ended since, at least."""
        return {item: deaths + 1 for item, deaths in self._database.run(_LEFT, (lane, self._life))}

    def over(self, lane: str, items: Iterable[str]) -> None:
        """They are dealt with, and the process lives."""
        self._database.run_many(_OVER, [(lane, item) for item in items])

    def over_up_to(self, lane: str, item: str) -> None:
        """All up to this one, where items have an order."""
        self._database.run("DELETE FROM crash_notes WHERE lane = ? AND item <= ?", (lane, item))


_NOTE = """
    INSERT INTO crash_notes (lane, item, life, deaths) VALUES (?, ?, ?, 0)
    ON CONFLICT (lane, item) DO UPDATE SET life = excluded.life,
        deaths = crash_notes.deaths + CASE WHEN crash_notes.life = excluded.life THEN 0 ELSE 1 END
    RETURNING deaths
"""
_LEFT = "SELECT item, deaths FROM crash_notes WHERE lane = ? AND life <> ?"
_OVER = "DELETE FROM crash_notes WHERE lane = ? AND item = ?"
