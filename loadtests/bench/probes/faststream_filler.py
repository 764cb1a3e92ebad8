"""Publishes the letters with FastStream's own publisher."""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import asyncio
import json
import sys

from faststream.redis import RedisBroker

from loadtests.bench.letters import letter_fields


async def main() -> None:
    work = json.loads(sys.argv[1])
    async with RedisBroker(work["redis"], logger=None) as broker:
        for number in range(work["letters"]):
            await broker.publish(letter_fields(number, work["keys"]), stream="letters")


if __name__ == "__main__":
    asyncio.run(main())
