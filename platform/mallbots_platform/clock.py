"""Wall-clock time in the two forms the platform uses."""

import time
from datetime import UTC, datetime
from functools import lru_cache

_shift_us = 0


def shift(seconds: float) -> None:
    """Let this process' clock be off by so much from now on; for the fault that shows what comes of it."""
    global _shift_us
    _shift_us = round(seconds * 1_000_000)


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.fromtimestamp(now_us() / 1_000_000, UTC)


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000 + _shift_us


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def rfc3339(us: int) -> str:
    """`2026-11-24T08:30:00.000123Z`, as CloudEvents writes times."""
    seconds, fraction = divmod(us, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:06d}Z"


@lru_cache(maxsize=1024)
def from_rfc3339(text: str) -> int:
    """Back to microseconds since the epoch. Messages of one commit share their time."""
    return microseconds(datetime.fromisoformat(text))
