"""`python -m tests.support.letters FILE SECONDS`: a context whose one kind of job takes so long, and tells the file."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mallbots_platform import command_line
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings
from tests.support.posts import POST, Letter


def tell(text: str) -> None:
    with Path(sys.argv[1]).open("a") as file:
        file.write(f"{text}\n")


async def deliver(letter: Letter) -> None:
    tell(f"begun {letter.to}")
    await asyncio.sleep(float(sys.argv[2]))
    tell(f"done {letter.to}")


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    async with open_process(POST, settings) as process:
        process.work_queue("letters", {Letter: deliver}, claim_seconds=20)
        yield process


def main() -> None:
    command_line.main(compose)
