"""Runs a contender: a process that waits at the gate, is let go, is watched until its work is done, and is asked what
it has used."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.bench.gate import PREFIX
from loadtests.bench.stage import ROOT

LONGEST_SECONDS = 300.0
LOOK_SECONDS = 0.005


class CannotMeasure(Exception):
    """What was to be measured did not take place; says why."""


class ContenderFailed(CannotMeasure):
    """Names the contender and says what it printed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`module` is run by `python` with the work as its one argument, `told` among it; it reads and writes these
    streams. `fills`: messages have a form of its own, so it fills its stream itself before it comes to the gate."""

    name: str
    module: str
    reads: Sequence[str]
    writes: Sequence[str]
    python: Path = field(default_factory=lambda: Path(sys.executable))
    told: Mapping[str, Any] = field(default_factory=dict)
    fills: bool = False


class Started:
    """A contender that was started; inside the context it is at its gate, or beyond. `facts` is what it said there."""

    def __init__(self, contender: Contender, work: Mapping[str, Any], log: Path, environ: Mapping[str, str]) -> None:
        self.name = contender.name
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [contender.python, "-m", contender.module, json.dumps({**work, **contender.told})],
                cwd=ROOT,
                env=clean_environ(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def go(self) -> None:
        self._say()

    def end(self) -> dict[str, Any]:
        """Have it flush what it holds back; what it reports."""
        self._say()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """The next thing that it reports; what else it prints is none of our business."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(PREFIX.encode()):
                facts: dict[str, Any] = json.loads(line[len(PREFIX) :])
                return facts
        raise self.failure("it ended early")

    def watch(self, is_done: Callable[[], bool], seconds: float = LONGEST_SECONDS) -> float:
        """Wait until it is done; how long that took."""
        started = time.monotonic()
        while not is_done():
            if self._process.poll() is not None:
                raise self.failure("it ended before its work was done")
            if time.monotonic() - started > seconds:
                raise self.failure(f"not done after {seconds:g} s")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - started

    def failure(self, what: str) -> ContenderFailed:
        said = self._log.read_text(errors="replace").strip().splitlines()[-5:]
        return ContenderFailed(f"{self.name}: {what}: {' | '.join(said) or 'it said nothing'}")

    def __enter__(self) -> "Started":
        try:
            self.facts = self.hear()
        except ContenderFailed:
            self._end(0.0)
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._end(5.0 if exception[0] is None else 0.0)

    def _end(self, patience: float) -> None:
        """It leaves by itself when its work is done; it is killed when it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Only ours: what is set outside must not change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "MALLBOTS_"))}
    return kept | {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"} | dict(environ)
