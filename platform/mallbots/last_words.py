"""Why a process ended, as far as its log tells."""

from collections.abc import Iterable
from pathlib import Path

REFUSAL = " cannot start: "


def last_words(log: Path, start: int) -> str:
    """Its refusal, the error under its last traceback, or its last line.

    `start` is where it began to write in the log.
    """
    text = log.read_bytes()[start:].decode(errors="replace")
    return last_words_of(text.split("\n"))


def last_words_of(said: Iterable[str]) -> str:
    lines = [line.rstrip() for line in said if line.strip()]
    for number, line in reversed(list(enumerate(lines))):
        if REFUSAL in line:
            return line.partition(REFUSAL)[2]
        if line.startswith("Traceback "):
            return next((line for line in lines[number + 1 :] if not line.startswith(" ")), line)
    return lines[-1].strip() if lines else "it said nothing"
