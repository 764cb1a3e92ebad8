"""Labelled places at which a test lets this process die, as a power cut would. Free while none is armed.

`MALLBOTS_CRASH_AT="commit: before=3"` kills the process when it comes to that place for the third time.
"""

import os
import signal

VARIABLE = "MALLBOTS_CRASH_AT"
LABELS = {
    "read": "a batch has left the stream, nothing of it is applied",
    "recover: noted": "the risk of a pending entry is noted, it is not tried yet",
    "heal: applied": "what the stream lacks is applied from the source's log, in part",
    "commit: before": "every piece has run, nothing is committed",
    "commit: after": "committed, nobody is answered, nothing is acknowledged",
    "acknowledge: after": "acknowledged, the next batch is not read",
    "park: written": "a message is set aside, nothing is committed",
    "retry: attempted": "a parked message was tried again, nothing is committed",
    "relay: read": "read from the log, not in the stream",
    "relay: appended": "in the stream, progress is not noted",
    "trim: noted": "the log knows what may go, the stream still has it",
    "trim: done": "the stream is trimmed, nothing else was done",
    "snapshot: written": "a snapshot is written, nothing is committed",
    "saga: sent": "a step's or an undo's command is recorded, nothing is committed",
    "saga: answered": "a reply has moved the process on, nothing is committed",
    "timer: fired": "a timer has done its work, nothing is committed",
    "lease: gained": "the lease is held in Redis, its generation is not committed",
    "job: done": "a job has had its effect, that it is done is not committed",
    "migration: step": "tables are changed, nothing is committed",
    "migration: piece": "a part of a migration's online work is done, nothing is committed",
    "replay: begun": "tables are emptied and marks are moved back, nothing is committed",
    "aside: kept": "what a log has lost is copied, its stream still has it",
    "lost: settled": "a group has gone back to where it parted from its source, nothing is committed",
    "job: noted": "a job is done and known to be, its entry is still there",
}
_armed: dict[str, int] = {}


def reached(label: str) -> None:
    if _armed:
        _count(label)


def arm(text: str) -> None:
    """`label=n`; nothing for an empty text. Raises ValueError."""
    if not text:
        return
    label, _, number = text.rpartition("=")
    if label not in LABELS or not number.isdigit() or int(number) < 1:
        raise ValueError(f"{VARIABLE} is {text!r}, must be one of {', '.join(LABELS)}, then = and how often until then")
    _armed[label] = int(number)


def _count(label: str) -> None:
    if label not in LABELS:
        raise LookupError(f"{label} is not in crash_points.LABELS")
    if label in _armed:
        _armed[label] -= 1
        if _armed[label] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
