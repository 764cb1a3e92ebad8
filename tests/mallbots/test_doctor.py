import asyncio
import json
import os
from pathlib import Path

import pytest

from mallbots import doctor as examination
from mallbots.directories import CONTEXTS, redis_address
from mallbots.doctor import OK, PROBLEM, WARNING, collector, database, disk, doctor, python_version, redis_settings
from mallbots.reporting import Failed
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.endpoints import Endpoint
from mallbots_platform.process import Process
from mallbots_platform.streams import open_redis
from tests.support.world import World


@pytest.mark.parametrize(
    "version, state", [((3, 10), PROBLEM), ((3, 11), OK), ((3, 14), OK), ((3, 15), WARNING), ((4, 0), WARNING)]
)
def test_python_has_to_be_new_enough(version: tuple[int, int], state: str) -> None:
    assert python_version(version).state == state


def test_a_disk_with_room_is_fine(tmp_path: Path) -> None:
    assert disk(tmp_path / "not" / "there" / "yet").state == OK


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "LEAST_FREE", 1 << 62)

    found = disk(tmp_path)

    assert (found.state, found.advice) == (WARNING, "make room on this disk")


def test_a_place_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere

    found = disk(tmp_path)

    assert (found.state, found.advice) == (PROBLEM, "choose another one with --data")


async def test_redis_that_evicts_nothing_is_fine(redis_server: EmbeddedRedis) -> None:
    found = await redis_settings(redis_server.url)

    assert found.state == OK and "evicts nothing" in found.detail


async def test_redis_that_evicts_is_a_problem(redis_server: EmbeddedRedis) -> None:
    client = open_redis(redis_server.url)
    await client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = await redis_settings(redis_server.url)
    finally:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.aclose()

    assert found.state == PROBLEM and "set maxmemory-policy to noeviction" in found.advice


async def test_redis_that_is_away_is_a_problem() -> None:
    found = await redis_settings("redis://127.0.0.1:1")

    assert found.state == PROBLEM and "does not answer" in found.detail


async def test_a_running_process_is_examined(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.teller()
    redis_address(world.directory).write_text(world.redis.url)

    await doctor(world.directory, True)

    told = json.loads(capsys.readouterr().out)
    states = {each["about"]: each["state"] for each in told["findings"]}
    assert told["healthy"]
    assert states["teller"] == states["teller metrics"] == states["teller calls"] == states["Redis"] == OK
    assert states["processes"] == WARNING  # none of the mall's own runs


async def test_a_process_that_does_not_answer_is_a_problem(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    teller = await world.teller()
    redis_address(world.directory).write_text(world.redis.url)
    await teller.stop()

    with pytest.raises(Failed, match="not all is well: teller"):
        await doctor(world.directory, False)

    assert "its operator service does not answer" in capsys.readouterr().out


async def test_troubles_of_a_process_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    teller = await world.teller()
    monkeypatch.setattr(Process, "troubles", ["Redis is away", "timers are late"])

    found = await examination.process("teller", teller.process.endpoint, world.directory)

    assert (found.state, found.detail) == (WARNING, "Redis is away; timers are late")


async def test_a_process_that_cannot_answer_calls_is_a_problem(world: World) -> None:
    teller = await world.teller()
    teller.process._life._health.hindrance = "it is leaving"

    found = await asyncio.to_thread(examination.readiness, "teller", teller.process.endpoint)

    assert (found.state, found.detail) == (PROBLEM, "it is leaving")


async def test_what_came_to_nothing_is_told(world: World) -> None:
    teller = await world.teller()
    teller.process.meter.counter("mallbots_commits_undone_total", reason="away").inc(2)
    teller.process.meter.counter("mallbots_commits_undone_total", reason="busy").inc()

    found = await asyncio.to_thread(examination.readiness, "teller", teller.process.endpoint)

    assert (found.state, found.detail) == (WARNING, "since its start: 3 commits undone")


async def test_calls_that_were_refused_are_told(world: World) -> None:
    teller = await world.teller()
    teller.process.meter.counter("mallbots_calls_refused_total", queue="writer").inc(7)

    found = await asyncio.to_thread(examination.readiness, "teller", teller.process.endpoint)

    assert (found.state, found.advice) == (WARNING, "see docs/runbooks/CallsAreRefused.md")
    assert found.detail == "since its start: 7 calls refused, for they would have waited too long"


def test_processes_that_are_missing_are_named(tmp_path: Path) -> None:
    somewhere = Endpoint("", "", "", 1)
    all_but_one = {context: somewhere for context in CONTEXTS[1:]}

    assert examination.running(tmp_path, {}).advice == "start them with `mallbots up`"
    assert examination.running(tmp_path, all_but_one).detail == f"not running: {CONTEXTS[0]}"
    assert examination.running(tmp_path, {context: somewhere for context in CONTEXTS}).state == OK


async def test_the_database_of_one_that_is_gone_is_read(world: World) -> None:
    teller = await world.teller()
    await teller.say("one", "two")
    await teller.stop()

    found = await database("teller", world.directory)

    assert (found.state, found.detail) == (OK, "2 messages said, 0 applied, 0 dead")


async def test_a_spoilt_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "teller.db").write_bytes(b"no database at all" * 100)

    found = await database("teller", tmp_path)

    assert found.state == PROBLEM and found.advice


async def test_a_collector_that_listens_is_fine() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    found = await collector(f"http://127.0.0.1:{port}")

    server.close()
    await server.wait_closed()
    assert found.state == OK


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:notaport"])
async def test_a_collector_that_does_not_listen_is_a_warning(url: str) -> None:
    found = await collector(url)

    assert found.state == WARNING and "unset OTEL_EXPORTER_OTLP_ENDPOINT" in found.advice


async def test_people_get_a_line_for_each_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await doctor(tmp_path, False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["✓", "Python"]
    assert any(line.split()[:2] == ["!", "processes"] for line in lines)
    assert any("→ start them with `mallbots up`" in line for line in lines)
