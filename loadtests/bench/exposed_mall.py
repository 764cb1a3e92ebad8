"""A mall that has customers and tells what Prometheus would hear of it: one JSON object on standard output.

    python -m loadtests.bench.exposed_mall DIRECTORY ORDERS

By context, its metrics as OpenMetrics, every time that it was looked at. Progress goes to standard error.
"""

import asyncio
import contextlib
import json
import sys
import urllib.request
from collections import defaultdict
from pathlib import Path

from rich.console import Console

from mallbots.day import ENVIRONMENT, QuietDay, live_through
from mallbots.demo import clients
from mallbots.directories import CONTEXTS
from mallbots.plan import make_plan
from mallbots.supervisor import Supervisor, supervised

ACCEPT = "application/openmetrics-text;version=1.0.0"
SEED = 1
LOOK_SECONDS = 1.0


class Onlooker:
    """Looks at all processes, again and again: some series are there only while something is under way."""

    def __init__(self, running: Supervisor) -> None:
        self.seen = defaultdict[str, list[str]](list)
        self._running = running

    async def look(self) -> None:
        for context, at in self._running.endpoints.items():
            self.seen[context].append(await asyncio.to_thread(scrape, at.metrics))

    async def keep_looking(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)


async def exposed(directory: Path, orders: int) -> dict[str, list[str]]:
    console = Console(stderr=True)
    async with supervised(directory, CONTEXTS, ENVIRONMENT, console.print) as running, clients(running) as mall:
        onlooker = Onlooker(running)
        looking = asyncio.create_task(onlooker.keep_looking())
        await live_through(make_plan(orders, SEED), mall, SEED, QuietDay(), console)
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await onlooker.look()
        return onlooker.seen


def scrape(address: str) -> str:
    request = urllib.request.Request(f"http://{address}/metrics", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


if __name__ == "__main__":
    json.dump(asyncio.run(exposed(Path(sys.argv[1]), int(sys.argv[2]))), sys.stdout)
