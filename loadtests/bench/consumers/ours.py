"""A context of this platform, as any other: it subscribes, its handler writes a row and records a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop

from loadtests.bench.consumers.silent import open_silent_process
from loadtests.bench.gate import Gate
from loadtests.bench.letters import INSERT, TABLE
from loadtests.bench.mail import PARTITIONS, RECEIVER, SENDER, LetterReceived, LetterSent
from mallbots_platform.memory import settle_memory
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings


@asynccontextmanager
async def compose(settings: Settings, *, silent: bool) -> AsyncIterator[Process]:
    opened = open_silent_process if silent else open_process
    async with opened(RECEIVER, settings) as process:
        process.database.run(TABLE)

        def on_letter_sent(letter: LetterSent) -> None:
            process.database.run(INSERT, (letter.number, letter.receiver, letter.city))
            process.outbox.record(LetterReceived(number=letter.number, receiver=letter.receiver), key=letter.receiver)

        process.subscribe(SENDER, {LetterSent: on_letter_sent})
        yield process


def settings_of(gate: Gate) -> Settings:
    return Settings(
        context=RECEIVER.context,
        database_url=f"sqlite:///{gate.work['database']}",
        redis_url=gate.work["redis"],
        partitions=PARTITIONS,
    )


async def main(gate: Gate) -> None:
    async with compose(settings_of(gate), silent=gate.work.get("silent", False)) as process:
        process.telemetry.for_libraries()
        await process.start()
        settle_memory()
        await asyncio.to_thread(gate.wait)
        running = asyncio.create_task(process.run())
        await asyncio.to_thread(gate.wait_for_the_end)
        await asyncio.to_thread(process.telemetry.close)
        gate.report()
        process.stop()
        await running


if __name__ == "__main__":
    uvloop.run(main(Gate()))
