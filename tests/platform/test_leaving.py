"""A process that is told to leave does so in time, though a part of it or a library never comes to an end."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest

from mallbots_platform.life import Life
from tests.support.world import Running, World

IN_TIME = 5.0


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.life.FINISH_SECONDS", 0.2)
    monkeypatch.setattr("mallbots_platform.life.LEAVE_SECONDS", 0.2)


async def for_ever() -> None:
    await asyncio.sleep(600)


async def deaf() -> None:
    """It hears that it should end, and does not for a while."""
    ends_at = time.monotonic() + 2.0
    while time.monotonic() < ends_at:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)


async def leaves(running: Running) -> bool:
    asked_at = time.monotonic()
    await running.stop()
    return time.monotonic() - asked_at < IN_TIME


async def test_a_server_that_never_stops_is_left(world: World) -> None:
    teller = await world.teller()
    teller.process.closing.append(for_ever)

    assert await leaves(teller)


async def test_what_is_never_finished_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = await world.teller()
    monkeypatch.setattr(teller.process._life, "_finish", for_ever)

    assert await leaves(teller)


async def test_a_part_that_does_not_listen_is_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def parts(life: Life) -> Iterable[Coroutine[Any, Any, None]]:
        yield deaf()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Life, "_parts", parts)
        teller = await world.teller()
        await asyncio.sleep(0)

        assert await leaves(teller)

    assert '"what": "a part of the work"' in capsys.readouterr().out
