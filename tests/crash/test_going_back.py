"""A source goes back to an earlier copy of its database, and dies while it sorts that out, as does who heard it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform import crash_points
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import PlatformError
from mallbots_platform.messages import Contract
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings
from tests.crash.lives import DEADLINE_SECONDS, children
from tests.support.world import TELLER, Said, flush, metadata

LABELS = ("aside: kept", "lost: settled")


def live(context: str, directory: str, redis_url: str, crash_at: str, says: str) -> None:
    """A child process' whole life."""
    log = os.open(f"{directory}/{context}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = open(1, "w", buffering=1, closefd=False)
    crash_points.arm(crash_at)
    settings = Settings(
        context=context,
        database_url=f"sqlite:///{directory}/{context}.db",
        redis_url=redis_url,
        endpoints=directory,
        partitions=1,
    )
    asyncio.run(_live(settings, says))


async def _live(settings: Settings, says: str) -> None:
    async with open_teller(settings, says) if settings.context == "teller" else open_listener(settings) as process:
        await process.run()


@asynccontextmanager
async def open_teller(settings: Settings, says: str) -> AsyncIterator[Process]:
    """It says ten messages once in each life; what it has lost it says again as soon as it is known."""
    async with open_process(TELLER, settings) as process:
        await process.start()
        aside = process.relay.aside

        async def say() -> None:
            for number in range(10 if says else 0):
                await process.change(lambda n=number: process.outbox.record(Said(text=f"{says} {n}"), key="k"))  # type: ignore[misc] # a default binds it
            while True:
                await asyncio.sleep(0.05)
                if aside.messages:
                    await aside.take_back(process.outbox)

        talking = asyncio.ensure_future(say())
        yield process
        talking.cancel()


@asynccontextmanager
async def open_listener(settings: Settings) -> AsyncIterator[Process]:
    """It settles what waits as soon as it is noticed."""
    async with open_process(Contract(context="listener"), settings) as process:
        process.create_tables(metadata)

        def hear(said: Said) -> None:
            process.database.run("INSERT INTO heard (text) VALUES (?)", (said.text,))

        process.subscribe(TELLER, {Said: hear})
        await process.start()

        async def settle() -> None:
            while True:
                await asyncio.sleep(0.05)
                try:
                    await process.subscriptions["listener"].go_on("teller")
                except PlatformError:
                    continue

        settling = asyncio.ensure_future(settle())
        yield process
        settling.cancel()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("label", LABELS)
def test_a_death_while_it_is_settled_loses_nothing(label: str, tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    asyncio.run(flush(redis_server))
    scene = Scene(tmp_path, redis_server.url)
    try:
        scene.begin("listener")
        scene.begin("teller", says="old")
        scene.until(lambda: len(scene.heard()) == 10)
        scene.kill("teller")
        scene.copy("teller.db")
        scene.begin("teller", says="lost")
        scene.until(lambda: len(scene.heard()) == 20)
        scene.kill("teller")
        scene.kill("listener")
        scene.put_back("teller.db")

        who = "teller" if label.startswith("aside") else "listener"
        scene.begin("teller", says="new", crash_at=f"{label}=1" if who == "teller" else "")
        scene.begin("listener", crash_at=f"{label}=1" if who == "listener" else "")
        scene.until_dead(who)
        scene.begin(who)
        scene.until(lambda: scene.rows("teller", "SELECT COUNT(*) FROM aside WHERE outcome = 'taken back'") == [(10,)])
        scene.until(lambda: len(scene.heard()) == 20 + len(scene.said("new")))

        assert sorted(scene.heard()) == sorted([*scene.said("old"), *scene.said("lost"), *scene.said("new")])
        assert len(scene.said("lost")) == 10
    finally:
        scene.end()


class Scene:
    def __init__(self, directory: Path, redis_url: str) -> None:
        self.directory = directory
        self._redis_url = redis_url
        self._running: dict[str, Any] = {}

    def begin(self, context: str, *, says: str = "", crash_at: str = "") -> None:
        process = children.Process(target=live, args=(context, str(self.directory), self._redis_url, crash_at, says))
        process.start()
        self._running[context] = process

    def kill(self, context: str) -> None:
        process = self._running.pop(context)
        process.kill()
        process.join()

    def until_dead(self, context: str) -> None:
        process = self._running.pop(context)
        process.join(DEADLINE_SECONDS)
        code = process.exitcode
        process.kill()
        assert code == -signal.SIGKILL, (self.directory / f"{context}.log").read_text()[-2000:]

    def end(self) -> None:
        for context in list(self._running):
            self.kill(context)

    def copy(self, name: str) -> None:
        (self.directory / "copy").mkdir()
        for path in self.directory.glob(f"{name}*"):
            shutil.copy(path, self.directory / "copy")

    def put_back(self, name: str) -> None:
        for path in self.directory.glob(f"{name}*"):
            path.unlink()
        for path in (self.directory / "copy").glob(f"{name}*"):
            shutil.copy(path, self.directory)

    def heard(self) -> list[str]:
        return [text for (text,) in self.rows("listener", "SELECT text FROM heard ORDER BY position")]

    def said(self, what: str) -> list[str]:
        """What the log of the teller has of it."""
        rows = self.rows("teller", "SELECT envelope FROM outbox ORDER BY seq")
        texts = [envelope.partition('"text":"')[2].partition('"')[0] for (envelope,) in rows]
        return [text for text in texts if text.startswith(what)]

    def rows(self, context: str, statement: str) -> list[tuple[Any, ...]]:
        """None, too, where the process has not come to make its tables."""
        try:
            with closing(sqlite3.connect(f"file:{self.directory / context}.db?mode=ro", uri=True)) as database:
                return database.execute(statement).fetchall()
        except sqlite3.OperationalError:
            return []

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "\n".join(
                (self.directory / f"{context}.log").read_text()[-1500:] for context in ("teller", "listener")
            )
            time.sleep(0.05)
