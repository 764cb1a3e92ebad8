"""Whatever is tried again by us may end the process: it is noted before, in a commit of its own, and the note goes
when it is dealt with. So a note that a later life finds is a death, and who has caused too many is set aside.

What is tried for the first time needs none: an entry of a stream is on its group's pending list, and whoever calls does
not repeat it by himself. Several things that are tried together share one note; after a death each is tried alone, and
nothing else that is under suspicion meanwhile, for the note has to name the one that kills.
"""

import asyncio
from collections.abc import Iterable

from mallbots_platform.database import Database
from mallbots_platform.ids import new_id

LIMIT = 10


class CrashNotes:
    """Of one process. Whoever tries something of which earlier lives may have died holds `alone`. Where several
    processes have a lane in common, who survives takes the note away, whoever has written it. Writer's thread."""

    def __init__(self, database: Database, limit: int = LIMIT) -> None:
        self.limit = limit
        self.alone = asyncio.Lock()
        self._database = database
        self._life = new_id()

    def note(self, lane: str, item: str) -> int:
        """It is going to be tried; how many lives ended while it was."""
        [(deaths,)] = self._database.run(_NOTE, (lane, item, self._life))
        return int(deaths)

    def left(self, lane: str) -> dict[str, int]:
        """What earlier lives have noted there, and not got over: how many of them have ended since, at least."""
        return {item: deaths + 1 for item, deaths in self._database.run(_LEFT, (lane, self._life))}

    def over(self, places: Iterable[tuple[str, str]]) -> None:
        """Lanes and items that are dealt with, or were tried, and the process lives."""
        self._database.run_many(_OVER, list(places))

    def over_up_to(self, lane: str, item: str) -> None:
        """All up to this one, where items have an order."""
        self._database.run("DELETE FROM crash_notes WHERE lane = ? AND item <= ?", (lane, item))


def in_order(number: int) -> str:
    """As a text, so that texts have the order of numbers."""
    return f"{number:020d}"


_NOTE = """
    INSERT INTO crash_notes (lane, item, life, deaths) VALUES (?, ?, ?, 0)
    ON CONFLICT (lane, item) DO UPDATE SET life = excluded.life,
        deaths = crash_notes.deaths + CASE WHEN crash_notes.life = excluded.life THEN 0 ELSE 1 END
    RETURNING deaths
"""
_LEFT = "SELECT item, deaths FROM crash_notes WHERE lane = ? AND life <> ?"
_OVER = "DELETE FROM crash_notes WHERE lane = ? AND item = ?"
