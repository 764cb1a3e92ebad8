"""A context that takes its time over each letter, and fails at one of them if it is told to."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import uvloop

from loadtests.bench.letters import INSERT, TABLE
from loadtests.bench.mail import PARTITIONS, RECEIVER, SENDER, LetterReceived, LetterSent
from loadtests.bench.probes.ready import tell_ready
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@cache
def work() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def settings_of(context: str) -> Settings:
    """Few and quick retries, and a short lease: a probe is no place to wait."""
    return Settings(
        context=context,
        database_url=f"sqlite:///{work()['place']}/{context}.db",
        redis_url=work()["redis"],
        endpoints=work()["place"],
        partitions=PARTITIONS,
        lease_seconds=1.0,
        retry_attempts=3,
        retry_base_seconds=0.05,
    )


async def serve(process: Process, after_start: Callable[[Process], Awaitable[None]] | None = None) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, process.stop)
    await process.start()
    running = asyncio.ensure_future(process.run())
    tell_ready(work()["place"])
    if after_start:
        await after_start(process)
    await running


async def main() -> None:
    async with open_process(RECEIVER, settings_of(RECEIVER.context)) as process:
        process.database.run(TABLE)

        def on_letter_sent(letter: LetterSent) -> None:
            time.sleep(work()["pause"])
            if letter.number == work()["poison"]:
                raise ValueError("poison")
            process.database.run(INSERT, (letter.number, letter.receiver, letter.city))
            process.outbox.record(LetterReceived(number=letter.number, receiver=letter.receiver), key=letter.receiver)

        process.subscribe(SENDER, {LetterSent: on_letter_sent})
        await serve(process)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
