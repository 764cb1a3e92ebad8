"""What a thread is at, looked up from another one: in the database, or where in which module."""

import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

DATABASE = ("mallbots_platform.database", "mallbots_platform.connections", "sqlalchemy.", "psycopg.")
GLANCES = 5
BETWEEN_GLANCES = 0.02


def is_at_database(thread: int) -> bool:
    """Whether it waits for its database. One that only asks it again and again is met outside of it now and then."""
    for glance in range(GLANCES):
        if glance:
            time.sleep(BETWEEN_GLANCES)
        if not any(module.startswith(DATABASE) for module, _ in _stack(thread)):
            return False
    return True


def place_of(thread: int) -> str:
    """The innermost place in our own code, or in any, where there is none of ours."""
    places = list(_stack(thread))
    own = [place for place in places if place[0].startswith(("mallbots", "contexts."))]
    module, line = next(iter([*own, *places]), ("nowhere", 0))
    return f"{module}, line {line}"


def others_at_work() -> list[str]:
    """Threads besides the one that asks which keep the process from ending in order, and what each is at."""
    own = threading.get_ident()
    at_work = [thread for thread in threading.enumerate() if thread.ident not in (None, own)]
    return [f"{thread.name} at {place_of(thread.ident or 0)}" for thread in at_work if thread.name.startswith(WORKING)]


WORKING = ("writer", "reader", "MainThread")


def _stack(thread: int) -> Iterator[tuple[str, int]]:
    """From the inside."""
    frame: FrameType | None = sys._current_frames().get(thread)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")), frame.f_lineno
        frame = frame.f_back
