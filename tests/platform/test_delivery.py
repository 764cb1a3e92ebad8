"""From one context to another, over a real Redis: nothing lost, nothing doubled, nothing reordered within a key."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform.embedded_redis import EmbeddedRedis
from tests.support.world import World, flush

Story = Callable[[World], Coroutine[Any, Any, None]]


@pytest.fixture
def play(tmp_path: Path, redis_server: EmbeddedRedis) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def told() -> None:
            await flush(redis_server)
            world = World(tmp_path, redis_server)
            try:
                await story(world)
            finally:
                await world.close()

        asyncio.run(told())

    return run


def test_what_is_said_is_heard_in_order(play: Callable[[Story], None]) -> None:
    async def story(world: World) -> None:
        teller, listener = await world.teller(), await world.listener()

        await teller.say("one", "two", "three")

        await listener.hears("one", "two", "three")

    play(story)
