"""What starts a context in its container, with a stand-in for Python that says what it is told to."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "telemetry" / "config" / "run-context.sh"
DEADLINE = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "logs").mkdir()
    return tmp_path


def start(folder: Path, program: str, log_bytes: int = 1 << 20) -> subprocess.Popen[str]:
    stand_in = folder / "bin" / "python"
    stand_in.write_text(f"#!/usr/bin/env bash\n{program}\n")
    stand_in.chmod(0o755)
    environ = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "MALLBOTS_LOGS": str(folder / "logs"),
        "LOG_BYTES": str(log_bytes),
    }
    return subprocess.Popen(
        [SCRIPT, "stores"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def kept(folder: Path, lines: int, name: str = "stores.log") -> list[str]:
    """What is in the file once it has so many lines."""
    path, deadline = folder / "logs" / name, time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if path.exists() and len(found := path.read_text().splitlines()) >= lines:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} never had {lines} lines")


def test_what_is_said_goes_to_the_output_and_into_the_file(folder: Path) -> None:
    with start(folder, 'echo "$@"; echo trouble >&2') as process:
        said = process.communicate(timeout=DEADLINE)[0]

    assert said.splitlines() == ["-m contexts.stores", "trouble"]
    assert kept(folder, 2) == said.splitlines()


def test_the_exit_code_is_the_contexts(folder: Path) -> None:
    with start(folder, "exit 3") as process:
        process.communicate(timeout=DEADLINE)

    assert process.returncode == 3


def test_a_full_file_is_turned_over(folder: Path) -> None:
    with start(folder, "for number in $(seq 1 30); do echo line-$number; done", log_bytes=100) as process:
        said = process.communicate(timeout=DEADLINE)[0].splitlines()

    later = kept(folder, 1)
    assert said == [f"line-{number}" for number in range(1, 31)]
    assert later[-1] == "line-30"
    assert sum(path.stat().st_size for path in (folder / "logs").iterdir()) < 2 * 120


def test_a_new_start_begins_a_new_file(folder: Path) -> None:
    (folder / "logs" / "stores.log").write_text("of an earlier run\n")

    with start(folder, "echo anew") as process:
        process.communicate(timeout=DEADLINE)

    assert kept(folder, 1) == ["anew"]


def test_who_is_told_to_stop_may_still_say_so(folder: Path) -> None:
    program = "trap 'echo stopped; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    with start(folder, program) as process:
        kept(folder, 1)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=DEADLINE)[0]

    assert process.returncode == 0
    assert said.splitlines() == ["started", "stopped"]
