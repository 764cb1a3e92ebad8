"""The whole of it, as a process, against a mall of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xml.etree.ElementTree import parse

from pytest import mark

from dashboards.prometheus import free_address
from mallbots.operators import open_operators
from telemetry.spans import Kind
from telemetry.testing import OtlpReceiver, ReceivedSpan
from tests.support.world import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 240.0
pytestmark = mark.timeout(300)


@asynccontextmanager
async def load_test(*options: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests", "--json", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | environ,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            process.terminate()
        await process.communicate()


async def verdict(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The last line of what it said."""
    out, complaints = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert out, complaints.decode()
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert process.returncode == (0 if told["passed"] else 1)
    return told


def broken(told: Mapping[str, Any], *kinds: str) -> list[str]:
    return [
        f"{check['name']}: {check['detail']}"
        for check in told["checks"]
        if check["kind"] in kinds and not check["holds"]
    ]


async def test_every_order_is_accounted_for(tmp_path: Path) -> None:
    mall, report = tmp_path / "mall", tmp_path / "report"

    with OtlpReceiver() as receiver:
        options = ("--seconds", "8", "--rate", "2", "--metrics", free_address(), "--data", str(mall))
        async with load_test(
            *options, "--report", str(report), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint
        ) as running:
            told = await verdict(running)

    assert not broken(told, "reconciliation", "invariant")
    assert not [each for each in broken(told, "run") if "when they are due" not in each]
    assert told["orders"]["placed"] >= 3
    assert all(told["latencies"][series]["count"] for series in ("checkout", "placed → approved", "placed → ready"))
    assert len(parse(report / "load.xml").findall(".//testcase")) == len(told["checks"])
    assert (report / "load.html").read_text().startswith("<!doctype html>")
    _is_synthetic_and_whole(receiver.spans)
    assert await _baggage_of(mall, told["flow"]) == {"synthetic=true"}


def _is_synthetic_and_whole(spans: list[ReceivedSpan]) -> None:
    """Each call of Locust begins a trace that the mall goes on with."""
    calls = [span for span in spans if span.service == "locust"]
    served = {span.parent_id for span in spans if span.kind is Kind.SERVER}
    checkout = next(span for span in calls if span.name.endswith("/CheckoutBasket"))
    assert all(span.kind is Kind.CLIENT and not span.parent_id for span in calls)
    assert {span.attributes["synthetic"] for span in calls} == {"true"}
    assert {span.span_id for span in calls} <= served
    assert {"baskets", "ordering", "payments", "depot"} <= {
        span.service for span in spans if span.trace_id == checkout.trace_id
    }


async def _baggage_of(data: Path, order_id: str) -> set[str]:
    """What all messages of an order carry, from the databases that the run has left."""
    async with open_operators(data) as operators:
        messages = await operators.messages(order_id)
    return {json.loads(message.envelope).get("baggage", "") for message in messages}


async def test_an_interrupted_run_tells_its_verdict_so_far() -> None:
    page, metrics = free_address(), free_address()

    async with load_test("--seconds", "300", "--rate", "3", "--web", "--page", page, "--metrics", metrics) as running:
        await eventually(lambda: _has_ready_orders(metrics), PATIENCE_SECONDS)
        shown = await asyncio.to_thread(_get, f"http://{page}/stats/requests")
        running.terminate()
        told = await verdict(running)

    assert {stat["name"] for stat in json.loads(shown)["stats"]} >= {"BasketsService/CheckoutBasket", "placed → ready"}
    assert not told["passed"]
    assert told["reasons"][0].startswith("the run went to its end: interrupted by SIGTERM")
    assert told["orders"]["placed"] >= 1
    assert not broken(told, "reconciliation", "invariant")


async def _has_ready_orders(metrics: str) -> bool:
    try:
        text = await asyncio.to_thread(_get, f"http://{metrics}/metrics")
    except OSError:
        return False
    return 'locust_outcome_seconds_count{outcome="ready"}' in text


def _get(url: str) -> str:
    with urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body.decode()
