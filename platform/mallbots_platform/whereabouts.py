"""What a thread is at, looked up from another one: in the database, or where in which module."""

import sys
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
        if not any(_module(frame).startswith(DATABASE) for frame in _stack(thread)):
            return False
    return True


def place_of(thread: int) -> str:
    """Module and line: the innermost that is no library's, if there is one."""
    frames = list(_stack(thread))
    own = (frame for frame in frames if not _is_of_library(frame))
    frame = next(own, frames[0] if frames else None)
    return f"{_module(frame)}, line {frame.f_lineno}" if frame else "its end"


def _stack(thread: int) -> Iterator[FrameType]:
    """From the inside."""
    frame: FrameType | None = sys._current_frames().get(thread)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_of_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return "site-packages" in file or file.startswith((sys.base_prefix, "<"))
