"""Wall-clock time in the two forms the platform uses."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def rfc3339(us: int) -> str:
    """`2026-11-24T08:30:00.000123Z`, as CloudEvents writes times."""
    seconds, fraction = divmod(us, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:06d}Z"


def from_rfc3339(text: str) -> int:
    """Back to microseconds since the epoch."""
    return microseconds(datetime.fromisoformat(text))
