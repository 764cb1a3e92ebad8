"""A deployment back and forth: a later release is rolled back while what it has said is under way, and comes again."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from mallbots.reporting import Failed
from mallbots.supervisor import Supervisor
from mallbots.troubles.trouble import Trouble

PRETENDED = "MALLBOTS_PRETENDED_RELEASES"
AT_WORK_SECONDS = 2.0
SERVES_WITHIN_SECONDS = 30.0


def deployments(running: Supervisor) -> Iterator[Trouble]:
    """A run ends with the later release: the one of before could not read what it has said."""
    yield Trouble("deployed and rolled back", "all contexts", partial(_back_and_forth, running))


async def _back_and_forth(running: Supervisor) -> None:
    for releases in (1, 0, 1):
        for context in running.contexts:
            await _deploy(running, context, releases)
        await asyncio.sleep(AT_WORK_SECONDS)


async def _deploy(running: Supervisor, context: str, releases: int) -> None:
    """One context after the other, as it is done: later ones and those of before work side by side. Raises Failed."""
    before, deadline = running.pids[context], time.monotonic() + SERVES_WITHIN_SECONDS
    running.deploy(context, **{PRETENDED: str(releases)})
    while running.pids[context] == before or not await running.is_serving(context):
        if time.monotonic() > deadline:
            raise Failed(f"{context} does not serve after it was deployed")
        await asyncio.sleep(0.05)
