"""Every fault, in a mall at work, as Prometheus, the dashboards and traces show it: alerts fire, and clear again."""

import asyncio
import time
from pathlib import Path

import pytest

from dashboards.expectations import EXPECTATIONS
from dashboards.silence import MADE_ELSEWHERE, SILENT_WHEN_WELL
from mallbots.directories import CONTEXTS
from mallbots.faults import known_faults
from mallbots.operators import open_operators
from mallbots.plan import make_plan
from telemetry.testing import OtlpReceiver
from tests.support.busy_mall import BusyMall, busy_mall
from tests.support.everything_asked import Answered, ask_everything
from tests.support.fault_watch import FaultWatch
from tests.support.mall import running_mall
from tests.support.running_prometheus import needs_prometheus, scraping_prometheus

CUSTOMERS_A_SECOND = 1.2
MOST_SERIES, LONGEST_QUERY_SECONDS = 15_000, 1.0
EXPECTED = {expected.fault: expected for expected in EXPECTATIONS}
# Somebody has paid, and an order was ready: what no fault may have kept from happening.
ALL_IS_WELL = "sum(mallbots_sales_minor_total) > 0 and sum(mallbots_order_ready_seconds_count) > 0"


@needs_prometheus
@pytest.mark.timeout(300)
async def test_every_fault_is_seen_and_every_query_answered(tmp_path: Path) -> None:
    """In one mall, since waiting is most of it."""
    with (
        OtlpReceiver() as receiver,
        running_mall(tmp_path / "mall", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint) as mall,
        scraping_prometheus(tmp_path / "prometheus", mall.metrics) as prometheus,
    ):
        async with (
            mall.clients() as clients,
            open_operators(mall.data) as operators,
            busy_mall(clients, make_plan(200, seed=3), CUSTOMERS_A_SECOND) as busy,
        ):
            begun, watch = time.time(), FaultWatch(prometheus, operators, receiver)
            known = await known_faults(operators)
            await watch.until_asked(f"count(mallbots_build_info) == {len(CONTEXTS)}")
            await watch.until_asked(ALL_IS_WELL)
            await live_through_all(watch, busy)
            answers = await asyncio.to_thread(ask_everything, prometheus, begun)
            [(_, series)] = await asyncio.to_thread(prometheus.ask, "max(prometheus_tsdb_head_series)")

    slowest = max(answers, key=lambda each: each.seconds)
    print(*watch.courses.values(), sep="\n")
    print(f"{series:.0f} series; slowest of {len(answers)} queries: {slowest.seconds:.3f} s, {slowest.asked.where}")
    assert {fault for faults in known.values() for fault in faults} == EXPECTED.keys()
    assert [missed for course in watch.courses.values() for missed in course.missed] == []
    never = [each.asked.where for each in answers if not each.ever and not is_made_elsewhere(each)]
    fell_silent = [each.asked.where for each in answers if not each.at_last and not may_be_silent(each)]
    assert (never, fell_silent) == ([], []), "\n".join(never + fell_silent)
    assert series < MOST_SERIES
    assert slowest.seconds < LONGEST_QUERY_SECONDS


async def live_through_all(watch: FaultWatch, busy: BusyMall) -> None:
    """At the same time where one does not hide another."""
    looking = asyncio.create_task(watch.look())
    try:
        await asyncio.gather(
            watch.live_through(EXPECTED["poison-event"]),
            watch.live_through(EXPECTED["clock-jump"]),
            baskets_fail_and_then_hear_nothing(watch, busy),
            bank_then_ordering_then_depot(watch, busy),
        )
        await watch.until_over()
    finally:
        looking.cancel()


async def baskets_fail_and_then_hear_nothing(watch: FaultWatch, busy: BusyMall) -> None:
    """What they have not heard of, they ask the stores for."""
    failing = asyncio.create_task(watch.live_through(EXPECTED["failing-handler"]))
    await watch.until("failing-handler", "trace")
    news = asyncio.create_task(busy.new_stores_open())
    await asyncio.gather(failing, watch.live_through(EXPECTED["cut-redis"]))
    news.cancel()


async def bank_then_ordering_then_depot(watch: FaultWatch, busy: BusyMall) -> None:
    """Ordering gets slow once it has given up what is no message, and is behind before customers wait for the depot."""
    busy.bank_declines = True
    await watch.live_through(EXPECTED["declining-bank"])
    busy.bank_declines = False
    await watch.until("poison-event", "cleared")
    slow = asyncio.create_task(watch.live_through(EXPECTED["slow-handler"]))
    await watch.until_asked('sum(mallbots_stream_lag_events{group="ordering"}) >= 4')
    await watch.live_through(EXPECTED["locked-database"])
    await slow


def is_made_elsewhere(answered: Answered) -> bool:
    return any(name.startswith(MADE_ELSEWHERE) for name in answered.series)


def may_be_silent(answered: Answered) -> bool:
    return is_made_elsewhere(answered) or bool(answered.series & SILENT_WHEN_WELL.keys())
