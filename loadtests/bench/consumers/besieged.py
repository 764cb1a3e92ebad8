"""A process that is going to be asked for more than it can do: what it serves, it carries out through its writer.

`work` takes so many seconds of somebody else's time for each call; without it, it is the mall's own context of
customers, whose cheapest change is to register one.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from google.protobuf.message import Message

from contexts.customers.composition import compose
from loadtests.bench.consumers.callers import service
from loadtests.bench.gate import Gate
from mallbots_platform.grpc_server import write
from mallbots_platform.messages import Contract
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings

BESIEGED = Contract(context="besieged")


class SlowApi:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @write
    def Say(self, request: Message) -> Message:
        time.sleep(self._seconds)
        return request


@asynccontextmanager
async def working(seconds: float, settings: Settings) -> AsyncIterator[Process]:
    async with open_process(BESIEGED, settings) as process:
        process.serve(SlowApi(seconds), service())
        yield process


def settings_of(context: str, gate: Gate) -> Settings:
    database = f"sqlite:///{gate.work['database']}"
    return Settings(context=context, database_url=database, redis_url=gate.work["redis"])


async def main(gate: Gate) -> None:
    seconds = gate.work["seconds"]
    opened = working(seconds, settings_of("besieged", gate)) if seconds else compose(settings_of("customers", gate))
    async with opened as process:
        await process.start()
        running = asyncio.ensure_future(process.run())
        await asyncio.to_thread(gate.wait, address=process.endpoint.grpc)
        await asyncio.to_thread(gate.wait_for_the_end)
        gate.report()
        process.stop()
        await running


if __name__ == "__main__":
    uvloop.run(main(Gate()))
