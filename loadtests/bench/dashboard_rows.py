"""dashboards: how long the queries of their panels take when a whole day is shown."""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dashboards.panels import SCRAPE_SECONDS
from dashboards.prometheus import MISSING, PROGRAM, Prometheus, Refused, free_address, running_prometheus
from dashboards.queries import step_seconds
from loadtests.bench.asking import Answered, ask_all
from loadtests.bench.contenders import CannotMeasure, clean_environ
from loadtests.bench.history import History, write_history
from loadtests.bench.rows import Row, Skipped, at_least, at_most
from loadtests.bench.scale import Scale
from loadtests.bench.stage import ROOT, Stage

AT_MOST_SECONDS = at_most(1.0)
LONGEST_MALL_SECONDS = 300.0
REST_SECONDS, REST_CPU_SECONDS, LONGEST_UNREST_SECONDS = 2.0, 0.1, 120.0
# It scrapes nothing and works nothing out, so that all there is lies in the time that was made.
CONFIG = "global: {}\n"
OPTIONS = ("--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=2d")
USED = "process_cpu_seconds_total "


def rows(stage: Stage, scale: Scale) -> Iterator[Row | Skipped]:
    if not PROGRAM:
        yield Skipped("dashboards", "slowest query", MISSING)
        return
    try:
        exposed = _exposed(stage, scale.orders // 2)
        with _prometheus(stage) as prometheus:
            history = write_history(prometheus, exposed, scale.shown_hours * 3600)
            _await_rest(prometheus)
            answers = ask_all(prometheus, history.since, history.until)
            slowest = max(answers, key=lambda each: each.seconds)
            cpu = min(_cpu_of(prometheus, slowest) for _ in range(scale.rounds))
    except Refused as refusal:
        raise CannotMeasure(str(refusal)) from refusal
    yield longest(slowest, cpu, answers, history)
    yield with_data(answers)
    yield _series(history)


def longest(slowest: Answered, cpu_seconds: float, answers: Sequence[Answered], history: History) -> Row:
    """The time that the `slowest` of them took; `cpu_seconds` are Prometheus' for that one."""
    shown = history.until - history.since
    median = statistics.median(each.seconds for each in answers)
    return Row(
        group="dashboards",
        name=f"slowest query on {shown // 3600} h",
        figure=slowest.seconds,
        unit="s",
        target=AT_MOST_SECONDS,
        ours={"cpu_us": cpu_seconds * 1e6},
        note=f"{slowest.asked.where} Every {step_seconds(shown)} s a point; half of {len(answers)} take less than "
        f"{1000 * median:.0f} ms",
    )


def with_data(answers: Sequence[Answered]) -> Row:
    """Of those that should have some."""
    due = [each for each in answers if not each.may_be_empty]
    empty = [each.asked.where for each in due if not each.has_data]
    others = [each for each in answers if each.may_be_empty]
    return Row(
        group="dashboards",
        name="queries with data, of those that should have some",
        figure=len(due) - len(empty),
        unit="queries",
        target=at_least(len(due)),
        note=f"{sum(each.has_data for each in others)} of {len(others)} others: these ask for what another program "
        "makes, or for what is silent while all is well" + "".join(f"; nothing in {where}" for where in empty),
    )


def _series(history: History) -> Row:
    return Row(
        group="dashboards",
        name="series that were asked",
        figure=history.scraped + history.recorded,
        unit="series",
        note=f"{history.scraped:,} of a mall that ran, a sample every {SCRAPE_SECONDS} s as it is scraped; "
        f"{history.recorded:,} of recording rules",
    )


@contextmanager
def _prometheus(stage: Stage) -> Iterator[Prometheus]:
    """On all cores, as where it has a machine to itself."""
    folder = stage.empty()
    config = folder / "prometheus.yml"
    config.write_text(CONFIG)
    cores = {*stage.cores.measured, *stage.cores.others}
    with running_prometheus(
        folder, config, free_address(), *OPTIONS, before=lambda: os.sched_setaffinity(0, cores)
    ) as prometheus:
        yield prometheus


def _exposed(stage: Stage, orders: int) -> dict[str, list[str]]:
    """By context, its metrics as they were seen through a day with so many orders, with all telemetry."""
    command = [sys.executable, "-m", "loadtests.bench.exposed_mall", str(stage.empty()), str(orders)]
    try:
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=clean_environ(stage.telemetry),
            capture_output=True,
            text=True,
            timeout=LONGEST_MALL_SECONDS,
        )
    except subprocess.TimeoutExpired as late:
        raise CannotMeasure(f"a mall with {orders} orders took longer than {late.timeout:g} s") from late
    if ran.returncode:
        raise CannotMeasure(f"a mall ended with {ran.returncode}: {ran.stderr[-300:]}")
    said: dict[str, list[str]] = json.loads(ran.stdout)
    return said


def _await_rest(prometheus: Prometheus) -> None:
    """Until it has put away what it was given. Raises CannotMeasure when it does not come to rest."""
    deadline, used = time.monotonic() + LONGEST_UNREST_SECONDS, _cpu_seconds(prometheus)
    while time.monotonic() < deadline:
        time.sleep(REST_SECONDS)
        before, used = used, _cpu_seconds(prometheus)
        if used - before < REST_CPU_SECONDS:
            return
    raise CannotMeasure(f"Prometheus had not come to rest after {LONGEST_UNREST_SECONDS:g} s")


def _cpu_of(prometheus: Prometheus, answered: Answered) -> float:
    """What Prometheus uses for that answer, in seconds to a hundredth: a busy machine changes it little."""
    before, (what, parameters) = _cpu_seconds(prometheus), answered.sent
    prometheus.answer(what, **parameters)
    return _cpu_seconds(prometheus) - before


def _cpu_seconds(prometheus: Prometheus) -> float:
    with urllib.request.urlopen(f"http://{prometheus.address}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.removeprefix(USED)) for line in lines if line.startswith(USED))
