"""A line a fact, as the log would write it, though a commit's worth of them is written at once."""

import errno
import io
import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import asdict

from telemetry.facts import Fact, Tell, open_facts
from telemetry.logs import open_log
from tests.support.terminal import Terminal

APPROVED = Fact(
    type="ordering.OrderApproved",
    event_id="e",
    correlation_id="c",
    causation_id="b",
    trace_id="5" * 32,
    span_id="7" * 16,
)


class Counting(io.StringIO):
    """How often something was written to it."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class FullDisk(io.StringIO):
    tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def out() -> Counting:
    return Counting()


@pytest.fixture
def tell(out: Counting) -> Tell:
    return open_facts("ordering", open_log("ordering", out), out)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_fact_is_a_line_as_the_log_would_write_it(tell: Tell, out: Counting) -> None:
    tell([APPROVED])
    open_log("ordering", out).info("order approved", **asdict(APPROVED))

    fact, logged = lines(out)
    assert len(fact.pop("time")) == len(logged.pop("time"))
    assert fact == logged


def test_those_of_a_commit_are_written_at_once(tell: Tell, out: Counting) -> None:
    tell([APPROVED] * 200)

    assert (len(lines(out)), out.writes) == (200, 1)


def test_where_nothing_was_said_nothing_is_written(tell: Tell, out: Counting) -> None:
    tell([])

    assert out.writes == 0


def test_lines_of_facts_and_of_troubles_stay_whole(tmp_path: Path) -> None:
    with (tmp_path / "ordering.log").open("w") as file:
        log = open_log("ordering", file)
        tell = open_facts("ordering", log, file)
        threads = [
            threading.Thread(target=lambda: [tell([APPROVED] * 50) for _ in range(80)]),
            threading.Thread(target=lambda: [log.info("gap found", text="x" * 500) for _ in range(200)]),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    told = [json.loads(line)["event"] for line in (tmp_path / "ordering.log").read_text().splitlines()]
    assert (told.count("order approved"), told.count("gap found")) == (4000, 200)


def test_a_full_disk_costs_the_lines_only() -> None:
    out = FullDisk()
    tell = open_facts("ordering", open_log("ordering", out), out)

    for _ in range(3):
        tell([APPROVED])

    assert out.tries == 3


def test_what_cannot_be_spelled_costs_its_lines_only() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    tell = open_facts("ordering", open_log("ordering", out), out)

    tell([msgspec.structs.replace(APPROVED, correlation_id="5 €")])
    tell([APPROVED])

    out.seek(0)
    assert [json.loads(line)["correlation_id"] for line in out] == ["c"]


def test_people_get_it_short() -> None:
    out = Terminal()

    open_facts("ordering", open_log("ordering", out), out)([APPROVED])

    [line] = out.getvalue().splitlines()
    assert "order approved" in line and "event_id" in line
    assert not line.startswith("{")
