"""Each event that a context says is a line of its log, once it is committed, with the ids that lead on."""

import json
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform.messages import Contract, command, event
from mallbots_platform.partitions import commands_for
from tests.support.parts import Parts


@event
class BellRang:
    times: int


@command
class RingBell:
    times: int


TOWER = Contract(context="tower", events=(BellRang,), commands=(RingBell,))


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(f"sqlite:///{tmp_path / 'tower.db'}", TOWER)


def lines(parts: Parts) -> list[dict[str, Any]]:
    return [json.loads(line) for line in parts.logged.getvalue().splitlines()]


async def test_what_is_said_is_a_line_that_leads_to_its_trace(parts: Parts) -> None:
    async with parts:
        await parts.change(lambda: parts.outbox.record(BellRang(times=3), key="noon"))
        [said] = await parts.published()

    [created], [line] = parts.spans.named("create tower.BellRang"), lines(parts)
    assert (line["event"], line["type"], line["service"]) == ("bell rang", "tower.BellRang", "tower")
    assert (line["event_id"], line["correlation_id"]) == (said.id, "noon")
    assert (line["trace_id"], line["span_id"]) == (created.trace_id_hex, created.span_id_hex)


async def test_what_is_undone_leaves_no_line(parts: Parts) -> None:
    async with parts:
        with pytest.raises(ZeroDivisionError):
            await parts.change(lambda: parts.outbox.record(BellRang(times=3), key="noon") and 1 / 0)

    assert lines(parts) == []


async def test_a_command_is_no_fact(parts: Parts) -> None:
    async with parts:
        await parts.change(lambda: parts.outbox.record(RingBell(times=3), key="noon", channel=commands_for("tower")))

    assert lines(parts) == []
