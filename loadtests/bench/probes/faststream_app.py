"""FastStream's application, with its defaults; `claim_after`: a second subscriber claims what seems forgotten."""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import asyncio
import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

from loadtests.bench.letters import INSERT, TABLE
from loadtests.bench.probes.ready import tell_ready

IN, OUT, GROUP, AT_ONCE = "letters", "receipts", "receiver", 100


def app_of(work: dict[str, Any]) -> FastStream:
    broker = RedisBroker(work["redis"], logger=None)
    database = sqlite3.connect(f"{work['place']}/receiver.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE):
        database.execute(statement)

    async def on_letter(letter: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(work["pause"])
        if letter["number"] == work["poison"]:
            raise ValueError("poison")
        database.execute(INSERT, (letter["number"], letter["receiver"], letter["city"]))
        return {"number": letter["number"], "receiver": letter["receiver"]}

    handler: Any = broker.publisher(stream=OUT)(on_letter)
    for subscription in _subscriptions(work["claim_after"]):
        handler = broker.subscriber(stream=subscription)(handler)
    return FastStream(broker, logger=None, after_startup=[lambda: tell_ready(work["place"])])


def _subscriptions(claim_after: float) -> Iterator[StreamSub]:
    yield StreamSub(IN, group=GROUP, consumer="one", max_records=AT_ONCE)
    if claim_after:
        idle = round(claim_after * 1000)
        yield StreamSub(IN, group=GROUP, consumer="two", max_records=AT_ONCE, min_idle_time=idle)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    asyncio.run(app_of(json.loads(sys.argv[1])).run())
