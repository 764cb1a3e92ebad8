"""What a probe finds in the end, counted from the database and from Redis."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NUMBER = re.compile(rb'"number": ?(\d+)')
Effect = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`lost`: no effect, and nobody has the letter any more. `stranded`: no effect, but somebody still has it.
    `swapped`: effects that came after one of a later letter of their key. Receipts are the follow-ups, which may be
    stranded in an outbox."""

    lost: int = 0
    doubled: int = 0
    stranded: int = 0
    swapped: int = 0
    receipts_lost: int = 0
    receipts_doubled: int = 0
    receipts_stranded: int = 0

    @property
    def total(self) -> int:
        return sum(getattr(self, name) for name in self.__slots__)

    @property
    def wrong(self) -> int:
        """What no operator can put right any more."""
        return self.total - self.stranded - self.receipts_stranded

    @property
    def as_numbers(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        named = {name.replace("_", " "): getattr(self, name) for name in self.__slots__}
        return ", ".join(f"{count} {name}" for name, count in named.items() if count) or "nothing"


def count(
    letters: int, effects: Sequence[Effect], receipts: Iterable[int], held: Iterable[int], unsent: Iterable[int] = ()
) -> Found:
    """`effects` as (number, key) in the order in which they took place; `held` are numbers of letters that somebody
    still has, `unsent` those of receipts that wait in an outbox."""
    times, sent = Counter(number for number, _ in effects), Counter(receipts)
    missing = set(range(letters)) - times.keys()
    stranded = missing & set(held)
    silent = times.keys() - sent.keys()
    return Found(
        lost=len(missing - stranded),
        doubled=sum(times.values()) - len(times),
        stranded=len(stranded),
        swapped=_swapped(effects),
        receipts_lost=len(silent - set(unsent)),
        receipts_doubled=sum(sent.values()) - len(sent),
        receipts_stranded=len(silent & set(unsent)),
    )


def _swapped(effects: Sequence[Effect]) -> int:
    """Repetitions are doubled, not swapped."""
    latest: dict[str, int] = {}
    seen, swapped = set(), 0
    for number, key in effects:
        if number in seen:
            continue
        seen.add(number)
        swapped += number < latest.get(key, -1)
        latest[key] = max(number, latest.get(key, -1))
    return swapped


def effects_in(database: Path) -> list[Effect]:
    """Nothing, as long as there is no table."""
    return [(number, key) for number, key in _rows(database, "SELECT number, receiver FROM letters ORDER BY rowid")]


def parked_in(database: Path) -> list[int]:
    return numbers_in(str(text).encode() for (text,) in _rows(database, "SELECT envelope FROM parked"))


def unsent_in(database: Path, statement: str) -> list[int]:
    """`statement` selects what a system's outbox still holds; none where it has no outbox."""
    return numbers_in(str(text).encode() for (text,) in _rows(database, statement)) if statement else []


def numbers_in(messages: Iterable[bytes]) -> list[int]:
    """Every form that a message has in one of the systems holds its number as JSON."""
    return [int(found.group(1)) for found in map(NUMBER.search, messages) if found]


def _rows(database: Path, statement: str) -> list[Any]:
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.OperationalError:
        return []
