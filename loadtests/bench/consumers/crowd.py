"""Calls that come whether or not earlier ones were answered, each with a little patience, from a process of their own.

First it is found out how many are answered a second when a few callers call as fast as they are answered; then calls
come at multiples of that, one phase after the other without a pause.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import grpc
import uvloop

from loadtests.bench.gate import Gate
from mallbots_platform.grpc_client import open_channel

CALLERS = 40
WARM_UP = 40
AMPLE_SECONDS = 20.0
Call = Callable[[float], Awaitable[Any]]


class Answer(NamedTuple):
    """`due` in seconds after its phase began; `took` until the answer was there, or the refusal."""

    due: float
    took: float
    status: str


async def ask(call: Call, patience: float, began: float, due: float) -> Answer:
    started, status = time.perf_counter(), "OK"
    try:
        await call(patience)
    except grpc.aio.AioRpcError as error:
        status = error.code().name
    return Answer(due, time.perf_counter() - min(started, began + due), status)


async def capacity(call: Call, seconds: float) -> float:
    """Answers a second."""
    until, answered = time.perf_counter() + seconds, 0

    async def keep_calling() -> None:
        nonlocal answered
        while time.perf_counter() < until:
            await call(AMPLE_SECONDS)
            answered += 1

    await asyncio.gather(*(keep_calling() for _ in range(CALLERS)))
    return answered / seconds


async def phase(call: Call, rate: float, seconds: float, patience: float) -> list[asyncio.Task[Answer]]:
    began, asked = time.perf_counter(), list[asyncio.Task[Answer]]()
    while (now := time.perf_counter() - began) < seconds:
        while len(asked) < now * rate:
            asked.append(asyncio.create_task(ask(call, patience, began, len(asked) / rate)))
        await asyncio.sleep(0.001)
    return asked


async def main(gate: Gate) -> None:
    told = gate.work
    request = bytes.fromhex(told["request"])
    async with open_channel(told["address"]) as channel:
        open_call: Any = channel.unary_unary
        calling = open_call(told["method"])

        def call(patience: float) -> Awaitable[Any]:
            answer: Awaitable[Any] = calling(request, timeout=patience)
            return answer

        await asyncio.gather(*(call(AMPLE_SECONDS) for _ in range(WARM_UP)))
        await asyncio.to_thread(gate.wait)
        rate = await capacity(call, told["seconds"])
        phases = [await phase(call, rate * times, told["seconds"], told["patience"]) for times in told["times"]]
        answers = [await asyncio.gather(*asked) for asked in phases]
    gate.report(capacity=rate, phases=answers)


if __name__ == "__main__":
    uvloop.run(main(Gate()))
