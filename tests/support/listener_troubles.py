"""What goes wrong for who begins to listen: a source with more partitions, and what was let go by before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from mallbots_platform.messages import Contract
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings
from tests.support.trouble_world import CASES, PATIENCE, Opened, Said, Troubles
from tests.support.world import eventually

LET_BY = "SELECT 1 FROM deliveries WHERE outcome = 'ignored'"
COUNTED = "SELECT 1 FROM listened WHERE passed_over > 0"


async def a_source_has_more_partitions(troubles: Troubles) -> None:
    """Than who begins to listen to it."""
    heard: list[object] = []
    settings = replace(troubles.world.settings_of("narrow"), partitions=1)
    running = await troubles.world.start(listener(settings, heard, Said))
    await troubles.say("far away", key="of a partition that it has not")
    await eventually(lambda: Said(text="far away") in heard, PATIENCE)
    await running.stop()


async def a_group_listens_to_more(troubles: Troubles) -> None:
    """Than before: to a type that it has let go by."""
    heard: list[object] = []
    settings = troubles.world.settings_of("late")
    before = await troubles.world.start(listener(settings, heard, Opened))
    await troubles.say("let go by")
    await eventually(lambda: before.process.read(lambda: before.process.database.run(LET_BY)), PATIENCE)
    await before.stop()

    after = await troubles.world.start(listener(settings, heard, Opened, Said))
    await eventually(lambda: after.process.read(lambda: after.process.database.run(COUNTED)), PATIENCE)
    await troubles.say("to a listener")
    await eventually(lambda: Said(text="to a listener") in heard, PATIENCE)
    await after.stop()


@asynccontextmanager
async def listener(settings: Settings, heard: list[object], *types: type) -> AsyncIterator[Process]:
    async with open_process(Contract(context=settings.context), settings) as process:
        process.subscribe(CASES, dict.fromkeys(types, heard.append))
        yield process
