"""What becomes of a run's directory, and what a person is told about it. Nothing is started here."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mallbots import demo as playing
from mallbots.demo_report import Report
from mallbots.reporting import Failed
from tests.mallbots.history import one_order
from tests.mallbots.test_demo_report import BAD, report
from tests.support.stand_in import StandIn

AGAIN = "mallbots demo --seed 7 --chaos"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where scratch directories are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("MALLBOTS_REDIS_URL", raising=False)
    return tmp_path


async def test_a_good_run_leaves_nothing(scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    ends_with(report(), monkeypatch)

    await play()

    told = capsys.readouterr()
    assert list(scratch.iterdir()) == []
    assert told.err == "" and "replay" not in json.loads(told.out)


async def test_a_broken_invariant_keeps_the_run(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    wrong = replace(BAD, events=("ordering:events:2",))
    ends_with(report(invariants=[wrong], messages=one_order().messages, replay=AGAIN), monkeypatch)

    with pytest.raises(Failed, match="1 invariant broken"):
        await play()

    (kept,), told = scratch.iterdir(), capsys.readouterr()
    assert told.err.splitlines() == [
        f"kept in {kept}: look at it with",
        f"mallbots flow order-1 --data {kept}",
        f"play it again with: {AGAIN}",
    ]
    answer = json.loads(told.out)
    assert answer["replay"] == AGAIN
    assert answer["invariants"][0]["events"] == ["ordering:events:2"]


async def test_a_run_that_gets_stuck_is_kept(scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    fails_with(Failed("ordering killed: not whole after 60 s"), monkeypatch)

    with pytest.raises(Failed, match="not whole"):
        await play()

    (kept,) = scratch.iterdir()
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"kept in {kept}, logs in {kept / 'logs'}",
        f"play it again with: {AGAIN}",
    ]


async def test_an_interrupted_run_leaves_nothing(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(asyncio.CancelledError(), monkeypatch)

    with pytest.raises(asyncio.CancelledError):
        await play()

    assert list(scratch.iterdir()) == []


async def play() -> None:
    await playing.demo(20, 7, None, keep=False, chaos=False, json_wanted=True, again=AGAIN)


def ends_with(told: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(*arguments: Any) -> Report:
        return told

    monkeypatch.setattr(playing, "_play", play)


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """When everything is up, and customers come."""

    @asynccontextmanager
    async def supervised(*arguments: Any, **options: Any) -> AsyncIterator[StandIn]:
        yield StandIn(None)

    async def live_through(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(playing, "supervised", supervised)
    monkeypatch.setattr(playing, "live_through", live_through)
