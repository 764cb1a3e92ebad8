"""A consumer's sign that it has started: what follows is its own time, not Python's."""

import os
from pathlib import Path


def tell_ready(place: str) -> None:
    _sign(place, os.getpid()).touch()


def is_ready(place: Path, pid: int) -> bool:
    return _sign(place, pid).exists()


def _sign(place: str | Path, pid: int) -> Path:
    return Path(place, f"ready-{pid}")
