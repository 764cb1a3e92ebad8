"""A run that is interrupted in the middle of a trouble, whatever state things are in then: nothing of it is left."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.mall import COMMAND, STOP_SECONDS, environment
from tests.support.stand_in import seed_that_begins_with
from tests.support.world import eventually

BEGUN_SECONDS = 120.0
TROUBLE = re.compile(r"^mallbots: trouble 1\b", re.MULTILINE)

pytestmark = pytest.mark.timeout(240)


class Chaotic:
    """A command that keeps its things in a scratch directory of its own; its processes know each other by that."""

    def __init__(self, place: Path, *arguments: str) -> None:
        self.place = place
        self._log = place.with_suffix(".log")
        place.mkdir()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                env=environment(TMPDIR=str(place)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def processes(self) -> list[tuple[str, str]]:
        """Name and state of each that runs, as /proc has them: T is for stopped, Z for one that is no more."""
        mark, found = f"TMPDIR={self.place}".encode(), []
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it is gone, or not ours
                if mark in (directory / "environ").read_bytes().split(b"\0"):
                    name, _, numbers = (directory / "stat").read_text().partition("(")[2].rpartition(")")
                    found.append((name, numbers.split()[0]))
        return found

    @property
    def is_without_redis(self) -> bool:
        return not any(name.startswith("redis") for name, _ in self.processes)

    async def until(self, condition: Callable[[], object]) -> None:
        def come_true() -> object:
            assert self.process.poll() is None, self.said
            return condition()

        await eventually(come_true, BEGUN_SECONDS)

    def interrupt(self, number: signal.Signals) -> int:
        """The exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def chaotic(place: Path, *arguments: str) -> Iterator[Chaotic]:
    run = Chaotic(place, *arguments)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.interrupt(signal.SIGTERM)


async def test_ctrl_c_ends_processes_that_are_stopped(tmp_path: Path) -> None:
    seed = seed_that_begins_with("stopped")
    with chaotic(tmp_path / "run", "demo", "--chaos", "--orders", "40", "--seed", str(seed)) as run:
        await run.until(lambda: "T" in {state for _, state in run.processes})
        before = len(run.processes)

        code = run.interrupt(signal.SIGINT)

    assert before >= 7
    assert code == 128 + signal.SIGINT
    assert_nothing_is_left(run)


async def test_sigterm_leaves_no_redis_that_was_away(tmp_path: Path) -> None:
    seed = seed_that_begins_with("redis killed")
    with chaotic(tmp_path / "run", "demo", "--chaos", "--orders", "40", "--seed", str(seed)) as run:
        await run.until(lambda: TROUBLE.search(run.said))
        await run.until(lambda: run.is_without_redis)

        code = run.interrupt(signal.SIGTERM)

    assert code == 128 + signal.SIGTERM
    assert_nothing_is_left(run)


async def test_an_interrupted_soak_leaves_nothing(tmp_path: Path) -> None:
    with chaotic(tmp_path / "run", "soak", "--minutes", "1", "--rate", "1") as run:
        await run.until(lambda: TROUBLE.search(run.said))

        code = run.interrupt(signal.SIGINT)

    assert code == 128 + signal.SIGINT
    assert_nothing_is_left(run)


def assert_nothing_is_left(run: Chaotic) -> None:
    assert run.processes == []
    assert list(run.place.iterdir()) == []
    assert run.said.endswith("mallbots: interrupted\n")
