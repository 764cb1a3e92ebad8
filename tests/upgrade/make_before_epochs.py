"""How `before_epochs.tar.xz` was made: by the commit `6a95062`, the last one whose tables had no numbered migrations.

    git worktree add ../before 6a95062
    python tests/upgrade/make_before_epochs.py ../before tests/upgrade/before_epochs.tar.xz

A demo of sixty orders is killed in its middle: first those whom the order process asks are stopped, one after the
other, so that orders are under way at every step; then everything dies in one moment.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ENOUGH_COLLECTED = 12
STOPPED_ONE_AFTER_THE_OTHER = ("payments", "depot", "customers")
PAUSE_SECONDS = 0.15


def main(checkout: Path, archive: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data")
        demo = start_demo(checkout, data)
        while collected(data) < ENOUGH_COLLECTED:
            time.sleep(0.02)
        pids = process_ids(data)
        for context in STOPPED_ONE_AFTER_THE_OTHER:
            os.kill(pids[context], signal.SIGSTOP)
            time.sleep(PAUSE_SECONDS)
        demo.kill()  # or it would start them again
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        demo.wait()
        pack(data, archive)


def start_demo(checkout: Path, data: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mallbots", "demo", "--orders", "60", "--seed", "13", "--data", str(data)]
    environ = os.environ | {"PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'platform'}"}
    return subprocess.Popen(command, cwd=checkout, env=environ)


def collected(data: Path) -> int:
    try:
        with sqlite3.connect(f"file:{data}/ordering.db?mode=ro", uri=True) as ordering:
            [count] = ordering.execute("SELECT COUNT(*) FROM outbox WHERE type = 'ordering.OrderCollected'").fetchone()
            return int(count)
    except sqlite3.Error:
        return 0


def process_ids(data: Path) -> dict[str, int]:
    """Of the contexts, and of Redis, which writes its own on the first line of its log."""
    announced = {path.stem: int(json.loads(path.read_bytes())["pid"]) for path in (data / "run").glob("*.json")}
    redis = int((data / "redis" / "redis.log").read_text().partition(":")[0])
    return announced | {"redis": redis}


def pack(data: Path, archive: Path) -> None:
    """What a process finds when it is started again; not the logs, nor where the dead ones listened."""
    with tarfile.open(archive, "w:xz") as packed:
        for path in sorted([*data.glob("*.db"), *data.glob("*.db-wal"), data / "redis" / "appendonlydir"]):
            packed.add(path, path.relative_to(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]))
