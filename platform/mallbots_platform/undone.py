"""A transaction that came to nothing: why, what may be done about it, and who is told."""

import time
from typing import Any, NamedTuple

from mallbots_platform.errors import Collided, DatabaseAway, DatabaseBusy, OutcomeUnknown
from telemetry.metrics import Meter

REASONS: dict[type[BaseException], str] = {
    OutcomeUnknown: "unknown",
    Collided: "collided",
    DatabaseBusy: "busy",
    DatabaseAway: "away",
}
MISTAKE = "mistake"


class Undone(NamedTuple):
    """`has_begun`: the database answered at first, so that one of the pieces may be the reason."""

    error: BaseException
    has_begun: bool = True

    @property
    def reason(self) -> str:
        found = (REASONS[kind] for kind in type(self.error).__mro__ if kind in REASONS)
        return next(found, MISTAKE)

    @property
    def may_be_repeated(self) -> bool:
        return self.has_begun and not isinstance(self.error, OutcomeUnknown)


class Refused(NamedTuple):
    """Why a transaction could not be begun, and when that was, by the monotonic clock."""

    reason: str
    at: float


class UndoneCommits:
    """Counts them. Of those that follow each other for one `reason` a line tells once."""

    def __init__(self, meter: Meter, log: Any = None) -> None:
        self._counters = {
            reason: meter.counter("mallbots_commits_undone_total", reason=reason)
            for reason in (*REASONS.values(), MISTAKE)
        }
        self._log = log
        self.reason = ""
        self.refused: Refused | None = None

    def note(self, undone: Undone, pieces: int) -> None:
        if not undone.has_begun:
            self.refused = Refused(str(undone.error), time.monotonic())
        self._counters[undone.reason].inc()
        if self._log is not None and self.reason != undone.reason:
            words = str(undone.error) or repr(undone.error)
            self._log.warning("commit undone", reason=undone.reason, pieces=pieces, error=words)
        self.reason = undone.reason

    def forget(self) -> None:
        """One was committed."""
        self.reason, self.refused = "", None
