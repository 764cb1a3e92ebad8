"""What shows the mall, beside a running mall."""

import asyncio
import json
import shutil
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contexts.stores.contract import stores_pb2
from mallbots.liveness import left_running
from mallbots.observe.alertmanager import ALERTMANAGER
from mallbots.observe.collector import COLLECTOR
from mallbots.observe.jaeger import JAEGER
from mallbots.observe.program import Launch
from mallbots.observe.prometheus import PROMETHEUS
from mallbots.observe.site import Site
from mallbots.observe.stack import PROGRAMS, Stack, observing
from mallbots.supervisor import supervised
from mallbots.tour import TROUBLES
from mallbots_platform.grpc_client import client_for, open_channel
from tests.support.mall import RunningMall, is_gone, mallbots
from tests.support.world import eventually

CONTEXTS = ("customers", "stores")
OPEN_STORE = urllib.parse.quote("mallbots.stores.v1.StoresService/OpenStore", safe="")
SECONDS = 60.0
MISSING = (
    "Prometheus or Alertmanager is not to be found: for Debian, the packages `prometheus`, `prometheus-alertmanager`"
)


async def test_prometheus_sees_every_context_and_tells_alertmanager(tmp_path: Path) -> None:
    if not all(any(map(shutil.which, each.executables)) for each in (PROMETHEUS, ALERTMANAGER)):
        pytest.skip(MISSING)
    programs = [replace(each, ports=dict.fromkeys(each.ports, 0)) for each in (PROMETHEUS, ALERTMANAGER, COLLECTOR)]
    async with observing(tmp_path, CONTEXTS, print, programs) as stack:
        async with supervised(tmp_path, CONTEXTS, beside=stack.start) as running:
            pids = list(stack.pids.values())

            seen = await eventually(lambda: contexts_up(stack), SECONDS)

            assert seen == set(CONTEXTS)
            assert stack.missing.keys() <= {"collector"}
            assert {"ProcessIsDown", "FaultIsOn"} <= await rules(stack)
            assert len((await asked(stack, "alertmanagers"))["activeAlertmanagers"]) == 1
            assert {job for job, health in await back_ends(stack)} >= {"prometheus", "alertmanager"}
            if "collector" in stack.pages:
                await open_a_store(running.endpoints["stores"].grpc)
                await eventually(lambda: spans_are_measured(stack), SECONDS)
    assert len(pids) >= 2 and all(is_gone(pid) for pid in pids)


async def test_a_misspelt_setting_is_told_in_the_words_of_prometheus(tmp_path: Path) -> None:
    if not shutil.which("prometheus"):
        pytest.skip(MISSING)

    def misspelt(site: Site) -> Launch:
        launch, path = PROMETHEUS.prepare(site), site.folder("prometheus") / "prometheus.yml"
        path.write_text(path.read_text().replace("scrape_interval: 5s", "scrape_intervall: 5s"))
        return launch

    async with observing(
        tmp_path, [], print, [replace(PROMETHEUS, prepare=misspelt, ports={"prometheus": 0})]
    ) as stack:
        await stack.start("redis://127.0.0.1")

    assert stack.pages == {}
    assert "did not start: " in stack.missing["prometheus"]
    assert "line 3: field scrape_intervall not found" in stack.missing["prometheus"]


async def test_without_a_collector_the_mall_sends_its_spans_to_jaeger(tmp_path: Path) -> None:
    if not shutil.which("jaeger"):
        pytest.skip("Jaeger is not to be found: docs/observability.md says how to get it")
    programs = [replace(JAEGER, ports=dict.fromkeys(JAEGER.ports, 0))]
    async with observing(tmp_path, ["stores"], print, programs) as stack:
        async with supervised(tmp_path, ["stores"], beside=stack.start) as running:
            assert stack.missing == {}
            page = stack.pages["jaeger"].partition("/search")[0]

            await open_a_store(running.endpoints["stores"].grpc)

            await eventually(lambda: told(f"{page}/api/traces?service=stores&operation={OPEN_STORE}"), SECONDS)


def test_without_any_program_the_mall_runs_and_all_are_named(tmp_path: Path) -> None:
    nothing = tmp_path / "bin"
    nothing.mkdir()
    mall = RunningMall(tmp_path / "run", "--observe", "--only", "customers", PATH=str(nothing))
    try:
        ready = mall.wait_until_ready()
    finally:
        code = mall.stop()

    assert code == 0
    assert ready["observe"] == {}
    assert ready["missing"].keys() == {each.name for each in PROGRAMS}
    assert "Debian's package `prometheus`" in ready["missing"]["prometheus"]


def test_a_tour_makes_trouble_until_its_time_is_over(tmp_path: Path) -> None:
    data = tmp_path / "run"

    toured = mallbots("observe", "--minutes", "0.1", "--data", str(data), "--json", environ={"PATH": str(tmp_path)})

    assert toured.code == 0, toured.stderr
    ready, *switched = map(json.loads, toured.lines)
    made = TROUBLES[: len(switched)]
    assert ready["missing"].keys() == {each.name for each in PROGRAMS}
    assert made and [each["fault"] for [each] in switched] == [trouble.fault for trouble in made]
    assert all(trouble.seen in toured.stderr for trouble in made)
    assert asyncio.run(left_running(data)) == {}


async def open_a_store(address: str) -> None:
    channel = open_channel(address)
    service = stores_pb2.DESCRIPTOR.services_by_name["StoresService"]
    await client_for(channel, service).OpenStore(stores_pb2.OpenStoreRequest(name="Bookworm", location="level 1"))
    await channel.close(None)


async def contexts_up(stack: Stack) -> set[str] | None:
    """None while one of them is not."""
    targets = [each["labels"] | each for each in await targets_of(stack) if "context" in each["labels"]]
    up = {each["context"] for each in targets if each["health"] == "up"}
    return up if up == set(CONTEXTS) else None


async def back_ends(stack: Stack) -> set[tuple[str, str]]:
    return {(each["labels"]["job"], each["health"]) for each in await targets_of(stack)}


async def spans_are_measured(stack: Stack) -> bool:
    """The mall sent them to the Collector, which Prometheus asks."""
    query = urllib.parse.urlencode({"query": "sum(traces_span_metrics_calls_total)"})
    return bool((await asked(stack, f"query?{query}"))["result"])


async def targets_of(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await asked(stack, "targets"))["activeTargets"]
    return found


async def rules(stack: Stack) -> set[str]:
    return {rule["name"] for group in (await asked(stack, "rules"))["groups"] for rule in group["rules"]}


async def asked(stack: Stack, what: str) -> Any:
    return await told(f"{stack.pages['prometheus']}api/v1/{what}")


async def told(url: str) -> Any:
    def ask() -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=20) as answer:
            return json.load(answer)["data"]

    await asyncio.sleep(0.1)
    return await asyncio.to_thread(ask)
