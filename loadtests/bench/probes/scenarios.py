"""The failures: what is done to a system in the middle of its work, and how long it then gets."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.bench.contenders import CannotMeasure
from loadtests.bench.probes.found import Found, count, effects_in, unsent_in
from loadtests.bench.probes.ready import is_ready
from loadtests.bench.probes.systems import System
from loadtests.bench.stage import Stage

KEYS = 20
MIDWAY = 0.43  # between two batches nothing is in hand
START_SECONDS = 60.0
QUIET_SECONDS = 8.0
LONGEST_SECONDS = 150.0
LOOK_SECONDS = 0.1
LEAVE_SECONDS = 15.0


class State(NamedTuple):
    effects: int
    receipts: int
    starting_at: float

    def is_complete(self, letters: int) -> bool:
        return min(self.effects, self.receipts) >= letters


@dataclass(slots=True)
class Trial:
    """One system in one scenario."""

    system: System
    stage: Stage
    place: Path
    letters: int
    options: dict[str, Any] = field(default_factory=dict)
    consumers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def work(self) -> dict[str, Any]:
        told = {"place": str(self.place), "redis": self.stage.redis.url, "letters": self.letters, "keys": KEYS}
        return told | {"pause": 0.002, "poison": -1, "claim_after": 0.0} | self.options

    @property
    def database(self) -> Path:
        return self.place / "receiver.db"

    def start(self) -> None:
        self.consumers.append(self.system.launch(self.system.consumer, self.work, self.place / "log"))

    def end(self, number: signal.Signals) -> None:
        """All consumers; one that does not leave when asked is killed."""
        for consumer in self.consumers:
            if consumer.poll() is None:
                consumer.send_signal(number)
        for consumer in self.consumers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                consumer.wait(LEAVE_SECONDS)
            consumer.kill()
            consumer.wait()
        self.consumers.clear()

    def midway(self) -> None:
        """Wait until a good part of the effects is there."""
        deadline = time.monotonic() + START_SECONDS
        while len(effects_in(self.database)) < self.letters * MIDWAY and time.monotonic() < deadline:
            time.sleep(0.02)

    def settle(self) -> None:
        """Until everything is there, or nothing has moved for a while; who has left is started again."""
        deadline = time.monotonic() + LONGEST_SECONDS
        seen, seen_at = None, time.monotonic()
        while time.monotonic() - seen_at < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{self.system.name} had not come to rest after {LONGEST_SECONDS:g} s")
            now = self._state()
            if now.is_complete(self.letters) and not self.found().total:
                return
            if now != seen:
                seen, seen_at = now, time.monotonic()
            time.sleep(LOOK_SECONDS)

    def _state(self) -> State:
        """Who is still on its way up counts as something that moves."""
        alive = [consumer for consumer in self.consumers if consumer.poll() is None]
        if not alive:
            self.start()
        starting = any(not is_ready(self.place, consumer.pid) for consumer in alive)
        effects, receipts = effects_in(self.database), self.system.receipts(self.stage.client)
        return State(len(effects), len(receipts), time.monotonic() if starting else 0.0)

    def found(self) -> Found:
        redis = self.stage.client
        held, unsent = self.system.held(redis, self.database), unsent_in(self.database, self.system.outbox)
        return count(self.letters, effects_in(self.database), self.system.receipts(redis), held, unsent)


def kill(trial: Trial) -> None:
    """SIGKILL midway, then a new start."""
    trial.start()
    trial.midway()
    trial.end(signal.SIGKILL)
    trial.start()


def stop(trial: Trial) -> None:
    """SIGTERM midway, as at every deployment, then a new start."""
    trial.start()
    trial.midway()
    trial.end(signal.SIGTERM)
    trial.start()


def flush(trial: Trial) -> None:
    """Redis forgets everything midway."""
    trial.start()
    trial.midway()
    trial.stage.client.flushall()


def poison(trial: Trial) -> None:
    """The handler fails at one letter, every time."""
    trial.options["poison"] = trial.letters // 2
    trial.start()


def slow(trial: Trial) -> None:
    """The handler is slow, and a second consumer claims what seems forgotten."""
    trial.options |= {"pause": 0.01, "claim_after": 0.2}
    trial.start()
    if not trial.system.group:
        time.sleep(1.0)
        trial.start()


def first(trial: Trial) -> None:
    """Everything is published before the consumer has ever been started."""
    trial.start()


SCENARIOS: dict[str, Callable[[Trial], None]] = {
    "kill -9": kill,
    "clean stop": stop,
    "FLUSHALL": flush,
    "poison": poison,
    "slow handler": slow,
    "no group yet": first,
}


def probe(stage: Stage, system: System, scenario: str, letters: int) -> Found:
    with _trial(stage, system, scenario, letters) as trial:
        SCENARIOS[scenario](trial)
        trial.settle()
        return trial.found()


@contextlib.contextmanager
def _trial(stage: Stage, system: System, scenario: str, letters: int) -> Iterator[Trial]:
    """The letters are in the stream; nothing runs any more afterwards."""
    trial = Trial(system, stage, stage.empty(), letters)
    if scenario != "no group yet":
        system.create_group(stage.client)
    filler = system.launch(system.filler, trial.work, trial.place / "filler.log")
    try:
        _wait_until_filled(trial, filler)
        yield trial
    finally:
        trial.end(signal.SIGTERM)
        filler.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            filler.wait(LEAVE_SECONDS)
        filler.kill()
        filler.wait()


def _wait_until_filled(trial: Trial, filler: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    redis = trial.stage.client
    while sum(redis.xlen(stream) for stream in trial.system.reads) < trial.letters:
        if time.monotonic() > deadline or (filler.poll() is not None and filler.returncode):
            said = (trial.place / "filler.log").read_text(errors="replace")[-300:]
            raise CannotMeasure(f"{trial.system.name} could not be filled: {said}")
        time.sleep(LOOK_SECONDS)
