"""A process dies at every labelled place, at a moment drawn from a seed; then nothing is lost, doubled or reordered."""

import asyncio
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mallbots_platform.crash_points import LABELS
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.streams import open_redis
from tests.conftest import new_database
from tests.crash.lives import DEADLINE_SECONDS, children
from tests.crash.test_going_back import LABELS as GOING_BACK
from tests.support.crash_world import ARCHIVED, CASES, DESK, is_refused, live
from tests.support.world import flush

SEEDS = range(int(os.environ.get("MALLBOTS_CRASH_SEEDS", "1")))
FILES, SHARED = "files", "two processes each on PostgreSQL"

# Who dies, and at which visit at the latest; the seed draws one up to it.
PLACES = {
    "read": ("office", 2),
    "recover: noted": ("office", 1),
    "heal: applied": ("office", 1),
    "commit: before": ("desk office", 40),
    "commit: after": ("desk office", 40),
    "acknowledge: after": ("desk office", 2),
    "park: written": ("office", 10),
    "retry: attempted": ("office", 10),
    "relay: read": ("desk office", 10),
    "relay: appended": ("desk office", 10),
    "trim: noted": ("desk", 2),
    "trim: done": ("desk", 2),
    "snapshot: written": ("desk", 10),
    "saga: sent": ("desk", 28),
    "saga: answered": ("desk", 28),
    "timer: fired": ("desk", 10),
    "lease: gained": ("desk office", 2),
    "migration: step": ("desk", 1),
    "migration: piece": ("desk", 4),
    "replay: begun": ("office", 3),
    "job: done": ("desk", 6),
    "job: noted": ("desk", 6),
}


def test_every_label_is_visited() -> None:
    assert PLACES.keys() | {*GOING_BACK} == LABELS.keys()


def test_every_label_is_where_it_says() -> None:
    sources = [path.read_text() for path in Path("platform/mallbots_platform").glob("*.py")]
    reached = Counter(label for source in sources for label in re.findall(r'reached\("([^"]+)"\)', source))

    assert reached.keys() == LABELS.keys()


def runs() -> Iterator[tuple[str, int, str]]:
    """With several seeds all in both ways; with one, each label in one of them."""
    for number, label in enumerate(PLACES):
        for seed in SEEDS:
            for way in (FILES, SHARED) if len(SEEDS) > 1 else ((FILES, SHARED)[number % 2],):
                yield label, seed, way


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("label", "seed", "way"), [*runs()])
def test_a_death_loses_and_doubles_nothing(
    label: str, seed: int, way: str, tmp_path: Path, redis_server: EmbeddedRedis, request: pytest.FixtureRequest
) -> None:
    who, latest = PLACES[label]
    dice = random.Random(f"{label} {seed}")
    victim, visit = dice.choice(who.split()), dice.randint(1, latest)
    asyncio.run(flush(redis_server))
    shared = request.getfixturevalue("postgres_url") if way == SHARED else ""

    with Lives(tmp_path, redis_server, shared) as lives:
        if label == "recover: noted":
            lives.begin("desk", "")
            lives.die("office", f"read={dice.randint(1, 2)}")
            lives.die("office", f"{label}=1")
        elif label == "heal: applied":
            lives.begin("desk", "")
            lives.until_desk_has_said_something()
            lives.lose_what_nobody_has_read()
            lives.die("office", f"{label}=1")
        else:
            for other in {"desk", "office"} - {victim}:
                lives.begin(other, "")
            lives.die(victim, f"{label}={visit}")
        lives.begin(lives.missing, "")
        lives.begin_twins()
        lives.until_all_is_done()

    lives.check(letters_may_double=victim == "desk" or way == SHARED)


class Lives:
    """The processes of one test, one life after the other; with a `postgres_url`, in the end two of each context."""

    def __init__(self, directory: Path, redis: EmbeddedRedis, postgres_url: str = "") -> None:
        self.directory = directory
        self.redis = redis
        self.running: dict[str, ForkServerProcess] = {}
        self._twins: list[ForkServerProcess] = []
        self._databases = {
            context: new_database(postgres_url) if postgres_url else f"sqlite:///{directory}/{context}.db"
            for context in ("desk", "office")
        }

    def __enter__(self) -> "Lives":
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (*self.running.values(), *self._twins):
            process.kill()
            process.join()

    @property
    def missing(self) -> str:
        [context] = {"desk", "office"} - self.running.keys()
        return context

    def begin(self, context: str, crash_at: str) -> None:
        self.running[context] = self._start(context, crash_at)

    def begin_twins(self) -> None:
        """Where two processes may share a database."""
        if not self._databases["desk"].startswith("sqlite"):
            self._twins = [self._start(context, "") for context in self._databases]

    def _start(self, context: str, crash_at: str) -> ForkServerProcess:
        arguments = (context, str(self.directory), self.redis.url, self._databases[context], crash_at)
        process = children.Process(target=live, args=arguments)
        process.start()
        return process

    def die(self, context: str, crash_at: str) -> None:
        self.begin(context, crash_at)
        process = self.running.pop(context)
        process.join(DEADLINE_SECONDS)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == -signal.SIGKILL, f"{context} did not come to {crash_at}: {self.log(context)}"

    def log(self, context: str) -> str:
        path = self.directory / f"{context}.log"
        return path.read_text()[-2000:] if path.exists() else ""

    def until_desk_has_said_something(self) -> None:
        self._until(lambda: self.rows("desk", "SELECT 1 FROM outbox LIMIT 1"))

    def lose_what_nobody_has_read(self) -> None:
        async def lose() -> None:
            client = open_redis(self.redis.url)
            deadline = time.monotonic() + DEADLINE_SECONDS
            removed = 0
            while not removed and time.monotonic() < deadline:
                for partition in range(2):
                    removed += await client.xtrim(f"{{mall.desk.{partition}}}:events", maxlen=0, approximate=False)
                await asyncio.sleep(0.01)
            await client.aclose()

        asyncio.run(lose())

    def until_all_is_done(self) -> None:
        self._until(self._is_done)

    def rows(self, context: str, statement: str) -> list[tuple[Any, ...]]:
        """None, too, where the process has not come to make its tables."""
        url = self._databases[context]
        try:
            if url.startswith("sqlite"):
                with opened(self.directory / f"{context}.db") as database:
                    return database.execute(statement).fetchall()
            with psycopg.connect(url) as connection:
                return connection.execute(statement).fetchall()
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return []

    def check(self, *, letters_may_double: bool) -> None:
        closed = {f"case-{number}" for number in range(CASES) if not is_refused(f"case-{number}")}
        refused = {f"case-{number}" for number in range(CASES)} - closed
        for case in closed:
            assert self._effects(case, commands=True) == ["stamp", "file"]
            assert self._effects(case) == self._seen(case) == self._said_of(case)
            assert self._said_of(case)[0] == "CaseOpened"
            assert Counter(self._said_of(case)) == Counter(["CaseOpened", "CaseReminded", "CaseClosed"])
        for case in refused:
            assert self._effects(case, commands=True) == ["stamp", "unstamp"]
            assert self._effects(case) == self._seen(case) == self._said_of(case)
            assert Counter(self._said_of(case)) == Counter(["CaseOpened", "CaseReminded", "CaseRefused"])
        letters = Counter((self.directory / "letters").read_text().split())
        assert letters.keys() == closed
        assert letters_may_double or set(letters.values()) == {1}
        self._check_logs("desk")
        self._check_logs("office")
        assert self.rows("desk", "SELECT number, copied FROM archive ORDER BY number") == [
            (number, 1) for number in range(ARCHIVED)
        ]

    def _check_logs(self, context: str) -> None:
        numbers: dict[tuple[str, int], list[int]] = {}
        for channel, partition, seq in self.rows(context, "SELECT channel, partition, seq FROM outbox ORDER BY seq"):
            numbers.setdefault((channel, partition), []).append(seq)
        for found in numbers.values():
            assert found == list(range(1, len(found) + 1))
        assert self.rows(context, "SELECT outcome FROM deliveries WHERE outcome NOT IN ('applied', 'ignored')") == []

    def _effects(self, case: str, *, commands: bool = False) -> list[str]:
        events = {kind.__name__ for kind in DESK.events}
        found = self.rows("office", f"SELECT what FROM effects WHERE case_id = '{case}' ORDER BY position")
        return [what for (what,) in found if (what in events) is not commands]

    def _seen(self, case: str) -> list[str]:
        rows = self.rows("office", f"SELECT what FROM seen WHERE case_id = '{case}' ORDER BY position")
        return [what for (what,) in rows]

    def _said_of(self, case: str) -> list[str]:
        statement = f"SELECT type FROM outbox WHERE channel = 'events' AND key = '{case}' ORDER BY seq"
        return [name.partition(".")[2] for (name,) in self.rows("desk", statement)]

    def _is_done(self) -> bool:
        if len(self._made_anew()) < 1 + len(self._twins) // 2:
            return False
        if self.rows("desk", "SELECT COUNT(*) FROM sagas WHERE state IN ('completed', 'failed')") != [(CASES,)]:
            return False
        waiting = "SELECT (SELECT COUNT(*) FROM parked) + (SELECT COUNT(*) FROM timers)"
        if [*self.rows("desk", waiting), *self.rows("office", waiting)] != [(0,), (0,)]:
            return False
        if self.rows("desk", "SELECT COUNT(*) FROM deliveries WHERE group_name = 'desk.letters'") != [(8,)]:
            return False
        if self.rows("desk", "SELECT COUNT(*) FROM platform_migrations WHERE finished_at = 0") != [(0,)]:
            return False
        return all(self._has_applied(*pair) for pair in (("office", "desk"), ("desk", "office")))

    def _made_anew(self) -> set[str]:
        """Processes of the office that have made their projection anew for the last time, and live."""
        done = self.directory / "anew"
        alive = {f"{each.pid}" for each in (*self.running.values(), *self._twins)}
        return {*(done.read_text().split() if done.exists() else ())} & alive

    def _has_applied(self, group: str, source: str) -> bool:
        mark = f"SELECT channel, partition, MIN(applied_seq) FROM inbox WHERE source = '{source}' GROUP BY 1, 2"
        marks = dict(self._marks(group, mark))
        heads = dict(self._marks(source, "SELECT channel, partition, last_seq FROM outbox_heads"))
        heard = {place: last for place, last in heads.items() if not place[0].startswith("jobs.")}
        if group == "desk":
            heard = {place: last for place, last in heard.items() if place[0] == "replies.desk"}
        return all(marks.get(place, 0) >= last for place, last in heard.items())

    def _marks(self, context: str, statement: str) -> Iterator[tuple[tuple[str, int], int]]:
        for channel, partition, number in self.rows(context, statement):
            yield (channel, partition), number

    def _until(self, condition: Any) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            marks = "SELECT group_name, source, channel, partition, applied_seq FROM inbox ORDER BY 1, 2, 3, 4"
            assert time.monotonic() < deadline, (
                f"it did not end: {self.log('desk')}\n{self.log('office')}\n{self.rows('office', marks)}"
            )
            time.sleep(0.05)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        yield database
