"""The crowd of a chaos run: it takes the way of changes, and leaves nothing."""

import asyncio
from importlib import import_module
from typing import Any

import pytest

from mallbots.reporting import Failed
from mallbots.troubles import overload
from mallbots.troubles.crowd import CHANGES, besiege
from tests.support.stand_in import chaos_of
from tests.support.world import World


@pytest.mark.parametrize("context", CHANGES)
async def test_what_a_crowd_wants_is_not_there(world: World, context: str) -> None:
    compose: Any = import_module(f"contexts.{context}.composition").compose
    running = await world.start(compose(world.settings_of(context)))

    found = await besiege(context, running.process.endpoint.grpc, 50, 0.2)

    assert {*found} <= {"NOT_FOUND", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
    assert found["NOT_FOUND"]
    assert await running.rows("SELECT COUNT(*) FROM outbox") == [(0,)]


async def test_a_crowd_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "CALLS_A_SECOND", "many")
    [trouble] = [each for each in chaos_of(1)._troubles if each.kind == "overloaded"]

    with pytest.raises(Failed, match="nobody came to"):
        await asyncio.wait_for(trouble.make(), 60)
