"""`mallbots doctor`: is everything there that MallBots needs, and does it work; if not, what to do."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from rich.table import Table

from mallbots.directories import CONTEXTS, contexts_with_data, database_url, log_file, redis_address
from mallbots.identity import VARIABLE, installation_in, installation_of_redis, key_prefix
from mallbots.launching import source_roots
from mallbots.liveness import is_serving, live_endpoints
from mallbots.operators import SERVICE, open_operators
from mallbots.pages import complaints, page, totals
from mallbots.reporting import Failed, one_line, open_console, plain, print_json
from mallbots.sagas import ASLEEP, STUCK, sagas
from mallbots_platform import operator_pb2 as pb
from mallbots_platform import schema
from mallbots_platform.embedded_redis import check_redis, redis_binary
from mallbots_platform.endpoints import Endpoint
from mallbots_platform.errors import PlatformError, Unavailable
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.installation import describe
from mallbots_platform.operator_api import offline_operator
from mallbots_platform.redis_answers import is_forbidden, told
from mallbots_platform.streams import open_redis

OK, WARNING, PROBLEM = "ok", "warning", "problem"
LEAST_FREE = 500 << 20
NEWEST_CHECKED = (3, 14)
COMES_TO_NOTHING = {
    "mallbots_database_unanswered_total": ("statements given up without an answer", "DatabaseHangs"),
    "mallbots_commits_undone_total": ("commits undone", "CommitsComeToNothing"),
    "mallbots_attempts_blamed_total": ("attempts blamed for the loss of their connection", "AttemptsLoseConnection"),
    "mallbots_calls_refused_total": ("calls refused, for they would have waited too long", "CallsAreRefused"),
    "mallbots_changes_abandoned_total": ("changes not begun, for nobody waited any more", "CallsAreRefused"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` says what to do; empty when all is well."""

    about: str
    state: str
    detail: str
    advice: str = ""


async def doctor(data: Path, as_json: bool) -> None:
    """Raises Failed when there is a problem; a warning is none."""
    findings = [finding async for finding in examine(data)]
    problems = [finding.about for finding in findings if finding.state == PROBLEM]
    if as_json:
        print_json({"healthy": not problems, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if problems:
        raise Failed(f"not all is well: {', '.join(problems)}")


async def examine(data: Path) -> AsyncIterator[Finding]:
    yield python_version(sys.version_info[:2])
    yield _contexts_found()
    yield _redis_found()
    yield disk(data)
    live = live_endpoints(data)
    yield running(data, live)
    if live:
        yield await redis_settings(_redis_url(data))
        yield await installation(data, _redis_url(data), key_prefix())
    for context, endpoint in live.items():
        yield await process(context, endpoint, data)
        yield await asyncio.to_thread(metrics, context, endpoint)
        yield await asyncio.to_thread(readiness, context, endpoint)
        if newer := await asyncio.to_thread(later_program, context, endpoint):
            yield newer
    for context in contexts_with_data(data):
        if context not in live:
            yield await database(context, data)
    if live or contexts_with_data(data):
        yield await processes_that_span(data)
    if endpoint_url := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield await collector(endpoint_url)


def python_version(version: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("Python", PROBLEM, text, "install Python 3.11 or newer, then `make clean setup`")
    if version > NEWEST_CHECKED:
        return Finding("Python", WARNING, text, "newer than any that MallBots was tried with")
    return Finding("Python", OK, text)


def _contexts_found() -> Finding:
    roots = [Path(root, "contexts") for root in source_roots()]
    missing = [name for name in CONTEXTS if not any((root / name / "__main__.py").exists() for root in roots)]
    if missing:
        return Finding("contexts", PROBLEM, f"missing: {', '.join(missing)}", "run `make setup` in the repository")
    return Finding("contexts", OK, ", ".join(CONTEXTS))


def _redis_found() -> Finding:
    if url := os.environ.get("MALLBOTS_REDIS_URL"):
        return Finding("Redis server", OK, f"that of MALLBOTS_REDIS_URL, {url}")
    try:
        return Finding("Redis server", OK, redis_binary())
    except Unavailable as error:
        return Finding("Redis server", PROBLEM, "none found", str(error))


def disk(data: Path) -> Finding:
    place = next(parent for parent in (data, *data.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        return Finding("data directory", PROBLEM, f"{data} cannot be written", "choose another one with --data")
    if free < LEAST_FREE:
        return Finding("data directory", WARNING, f"{free >> 20} MiB left at {data}", "make room on this disk")
    return Finding("data directory", OK, f"{data}, {free >> 30} GiB free")


def running(data: Path, live: dict[str, Endpoint]) -> Finding:
    if not live:
        return Finding("processes", WARNING, f"none runs in {data}", "start them with `mallbots up`")
    missing = [context for context in CONTEXTS if context not in live]
    if missing:
        return Finding("processes", WARNING, f"not running: {', '.join(missing)}", f"see {log_file(data, missing[0])}")
    return Finding("processes", OK, f"{len(live)} run")


async def redis_settings(url: str) -> Finding:
    client = open_redis(url)
    try:
        info: dict[str, Any] = await client.info("server")
        problems = check_redis(info, await client.config_get("maxmemory*"))
    except (RedisError, OSError) as error:
        advice = "correct the URL" if is_forbidden(error) else "start it, or correct the URL"
        return Finding("Redis", PROBLEM, f"{url} does not answer: {told(error)}", advice)
    finally:
        await client.aclose()
    if problems:
        return Finding("Redis", PROBLEM, url, "; ".join(problems))
    return Finding("Redis", OK, f"{url}, version {info['redis_version']}, evicts nothing")


async def installation(data: Path, url: str, prefix: str) -> Finding:
    """Whether Redis belongs to the one that the data do."""
    ours = os.environ.get(VARIABLE) or await asyncio.to_thread(installation_in, data)
    try:
        whose = await installation_of_redis(url, prefix)
    except (RedisError, OSError) as error:
        return Finding("installation", WARNING, f"{ours}, Redis does not answer: {one_line(error)}", "start Redis")
    if ours and whose not in ("", ours):
        told, _, advice = describe(whose, ours, f"{prefix}.installation").partition("; ")
        return Finding("installation", PROBLEM, told, advice)
    return Finding("installation", OK, f"{ours or whose}, as Redis says" if whose else f"{ours}, Redis has no copy yet")


async def process(context: str, endpoint: Endpoint, data: Path) -> Finding:
    channel = open_channel(endpoint.operator)
    try:
        status = await client_for(channel, SERVICE).GetStatus(pb.GetStatusRequest(), timeout=3.0)
    except PlatformError as error:
        return Finding(
            context, PROBLEM, f"its operator service does not answer: {one_line(error)}", _log(data, context)
        )
    finally:
        await channel.close(None)
    if not await is_serving(endpoint.grpc):
        return Finding(context, PROBLEM, f"does not serve at {endpoint.grpc}", _log(data, context))
    if status.version != str(schema.VERSION):
        detail = f"its schema is version {status.version}, this command knows {schema.VERSION}"
        return Finding(context, PROBLEM, detail, "stop it and start it again from the same checkout")
    if status.passed_over:
        group = status.passed_over[0].group
        advice = f"hear them with `mallbots replay {group} --passed-over`; with --leave they are left"
        return Finding(context, WARNING, "; ".join(map(_passed_over, status.passed_over)), advice)
    if status.troubles:
        return Finding(context, WARNING, "; ".join(status.troubles), _log(data, context))
    return Finding(context, OK, f"{status.database}, {status.partitions} partitions, serves at {endpoint.grpc}")


def metrics(context: str, endpoint: Endpoint) -> Finding:
    url, about = f"http://{endpoint.metrics}/metrics", f"{context} metrics"
    try:
        return Finding(about, OK, f"{url}, {len(page(endpoint.metrics, 'metrics'))} bytes")
    except OSError as error:
        return Finding(about, WARNING, f"{url} does not answer: {one_line(error)}", "Prometheus cannot scrape it")


def readiness(context: str, endpoint: Endpoint) -> Finding:
    """Whether calls can be answered, and what has come to nothing since the process was started."""
    about = f"{context} calls"
    try:
        if found := complaints(endpoint.metrics, "readyz"):
            return Finding(about, PROBLEM, "; ".join(found), "see docs/runbooks/NotReady.md")
        lost = totals(endpoint.metrics, *COMES_TO_NOTHING)
    except (OSError, ValueError) as error:
        return Finding(about, WARNING, f"it does not say whether it is ready: {one_line(error)}")
    if lost:
        told = ", ".join(f"{number} {COMES_TO_NOTHING[metric][0]}" for metric, number in lost.items())
        runbooks = dict.fromkeys(f"docs/runbooks/{COMES_TO_NOTHING[metric][1]}.md" for metric in lost)
        return Finding(about, WARNING, f"since its start: {told}", f"see {', '.join(runbooks)}")
    return Finding(about, OK, "can be answered")


def later_program(context: str, endpoint: Endpoint) -> Finding | None:
    """Whether it is older than what it reads."""
    with contextlib.suppress(OSError, ValueError):
        if waiting := totals(endpoint.metrics, "mallbots_newer"):
            detail = f"{waiting['mallbots_newer']} messages and timers wait for a later program"
            return Finding(f"{context} program", WARNING, detail, "see docs/runbooks/WaitsForLaterProgram.md")
    return None


async def database(context: str, data: Path) -> Finding:
    """Of a process that is gone."""
    about = f"{context} database"
    try:
        operator = offline_operator(database_url(data, context), context)
        try:
            totals = await operator.GetTotals(pb.GetTotalsRequest())
        finally:
            operator.close()
    except (PlatformError, OSError, ValueError, sqlite3.Error) as error:
        return Finding(
            about, PROBLEM, one_line(error), f"look at {data / context}.db, or start with an empty directory"
        )
    return Finding(about, OK, f"{totals.committed} messages said, {totals.applied} applied, {totals.dead} dead")


async def processes_that_span(data: Path) -> Finding:
    """Sagas: whether each can go on, and will."""
    try:
        async with open_operators(data) as operators:
            asleep, stuck = await sagas(operators, trouble=ASLEEP), await sagas(operators, trouble=STUCK)
    except (PlatformError, OSError, ValueError, sqlite3.Error) as error:
        return Finding("sagas", WARNING, f"they cannot be looked at: {one_line(error)}")
    if asleep:
        told = f"{len(asleep)} have neither ended nor a next wake-up, such as {asleep[0].id}"
        return Finding("sagas", PROBLEM, told, "see docs/runbooks/SagaIsAsleep.md")
    if stuck:
        told = f"{len(stuck)} are refused what they have to do, such as {stuck[0].id}: {stuck[0].refusal}"
        return Finding("sagas", WARNING, told, "see docs/runbooks/UndoIsRefused.md")
    return Finding("sagas", OK, "each has a next wake-up or has ended, none is refused anything")


async def collector(url: str) -> Finding:
    """Whether something listens where telemetry is to go."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        connecting = asyncio.open_connection(parts.hostname, parts.port or 4318)
        _, writer = await asyncio.wait_for(connecting, 3.0)
        writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        advice = "start the collector, or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        return Finding("OTLP", WARNING, f"{url} does not answer: {one_line(error)}", advice)
    return Finding("OTLP", OK, url)


def _passed_over(found: pb.PassedOver) -> str:
    return f"{found.group} let {found.messages} {found.type} go by before it listened to that"


def _redis_url(data: Path) -> str:
    address = redis_address(data)
    return os.environ.get("MALLBOTS_REDIS_URL") or (address.read_text() if address.exists() else "redis://127.0.0.1")


def _log(data: Path, context: str) -> str:
    return f"see {log_file(data, context)}"


def _show(findings: list[Finding]) -> None:
    marks = {OK: "[green]✓[/]", WARNING: "[yellow]![/]", PROBLEM: "[red]✗[/]"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        detail = f"{finding.detail}\n→ {finding.advice}" if finding.advice else finding.detail
        table.add_row(marks[finding.state], finding.about, plain(detail))
    open_console().print(table)
