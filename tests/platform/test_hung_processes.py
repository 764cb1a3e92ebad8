"""Processes of their own that hang, or that wait for who does."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contexts.customers.contract import customers_pb2
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.endpoints import Endpoint, read_endpoints
from mallbots_platform.errors import PlatformError
from mallbots_platform.grpc_client import client_for, open_channel
from tests.support.complaining import says
from tests.support.frozen import backends_of, frozen, server_of
from tests.support.postgres import postgres
from tests.support.world import eventually

PACKAGE = Path(__file__).parents[2]
IN_TIME = 10.0
PATIENCE = 1.0


@contextmanager
def running(environ: dict[str, str], *command: str) -> Iterator["subprocess.Popen[str]"]:
    everything = {**os.environ, "PYTHONPATH": f"{PACKAGE}{os.pathsep}{PACKAGE / 'platform'}"} | environ
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        env=everything,
        cwd=PACKAGE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def environment(directory: Path, redis: EmbeddedRedis, context: str, url: str) -> dict[str, str]:
    return {
        "MALLBOTS_DATABASE_URL": url,
        "MALLBOTS_REDIS_URL": redis.url,
        "MALLBOTS_ENDPOINTS": str(directory),
    }


async def endpoint_of(directory: Path, context: str) -> Endpoint:
    await eventually(lambda: context in read_endpoints(directory), seconds=60)
    return read_endpoints(directory)[context]


def last_lines(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout.read().splitlines()]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("writer", "a thread is at tests.support.stubborn.composition, line"),
        ("reader", "a thread is at tests.support.stubborn.composition, line"),
        ("loop", "the event loop is at tests.support.stubborn.composition, line"),
        ("closing", "a server or a connection"),
    ],
)
async def test_whatever_hangs_a_process_that_is_told_to_leave_is_gone(
    tmp_path: Path, redis_server: EmbeddedRedis, what: str, told: str
) -> None:
    environ = environment(tmp_path, redis_server, "stubborn", f"sqlite:///{tmp_path}/{{context}}.db")
    with running(environ, "tests.support.stubborn", what) as process:
        await endpoint_of(tmp_path, "stubborn")
        await asyncio.sleep(0.8)

        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 30)
        seconds = time.monotonic() - asked_at
        left = [line["what"] for line in last_lines(process) if line["event"] == "left unfinished"]

    assert (code, seconds < IN_TIME / 2) == (1, True)
    assert any(told in what for what in left), left


async def test_a_server_that_stands_still_is_survived_and_left(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    with postgres() as server:
        url = server.format(name="postgres")
        pids = server_of(url)
        with running(environment(tmp_path, redis_server, "customers", url), "contexts.customers") as process:
            at = await endpoint_of(tmp_path, "customers")
            service = customers_pb2.DESCRIPTOR.services_by_name["CustomersService"]
            api = client_for(open_channel(at.grpc), service)
            await register(api)

            with frozen({*pids, *backends_of(url)}):
                calling = asyncio.ensure_future(register(api, 25))
                assert await eventually(lambda: says(at, "readyz", "nothing could be read"))
                assert await says(at, "livez", "")
            await calling  # what was sent is answered, once it goes on
            assert await eventually(lambda: says(at, "readyz", ""))

            with frozen({*server_of(url), *backends_of(url)}):
                calling = asyncio.ensure_future(register(api, 25))
                await asyncio.sleep(0.1)
                asked_at = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = await asyncio.to_thread(process.wait, 30)
                seconds = time.monotonic() - asked_at
                with pytest.raises(PlatformError):
                    await calling
            left = [line["what"] for line in last_lines(process) if line["event"] == "left unfinished"]

    assert (code, seconds <= IN_TIME) == (1, True)
    assert "a thread is at mallbots_platform._postgres" in left[-1]


async def register(api: Any, timeout: float = 10.0) -> None:
    await api.RegisterCustomer(
        customers_pb2.RegisterCustomerRequest(name="Ann", sms_number="+49151000000"), timeout=timeout
    )
